// The navigation rail: the pages that the table of pages puts there. On a narrow screen it is the bar at the bottom.

import { Icon } from "../parts/icon.tsx";
import { RAIL, type RailEntry } from "./pages.tsx";
import { address } from "./router.ts";

export function Rail({ isCollapsed, onToggle }: { isCollapsed: boolean; onToggle: () => void }) {
  return (
    <nav class="rail" aria-label="Main">
      <a class="brand" href="/" aria-label="Gantry">
        <svg viewBox="0 0 16 16" aria-hidden="true">
          <path d="M2 4h12M4 4v10M12 4v10M8 4v4M6.500 8h3v3h-3z" />
        </svg>
        <span>Gantry</span>
      </a>
      <ul>
        {RAIL.map((entry) => (
          <RailItem key={entry.path} entry={entry} isCollapsed={isCollapsed} />
        ))}
      </ul>
      <button type="button" class="fold" onClick={onToggle} aria-expanded={!isCollapsed}>
        <Icon name="fold" />
        <span class="label">Collapse</span>
      </button>
    </nav>
  );
}

function RailItem({ entry, isCollapsed }: { entry: RailEntry; isCollapsed: boolean }) {
  const { path, title, icon, badge } = entry;
  const count = badge?.value ?? 0;
  return (
    <li class={`place-${icon}`}>
      <a
        href={path}
        aria-current={isWithin(address.value.path, path) ? "page" : undefined}
        title={isCollapsed ? title : undefined}
      >
        <Icon name={icon} />
        <span class="label">{title}</span>
        {count > 0 ? (
          <span class="badge" title={`${count} need your attention`}>
            {count}
          </span>
        ) : null}
      </a>
    </li>
  );
}

/** Whether this path is the entry's page, or one below it. */
function isWithin(path: string, entry: string): boolean {
  return entry === "/" ? path === "/" : path === entry || path.startsWith(`${entry}/`);
}
