// The frame around every page: rail, top bar, what a screen reader hears.

import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { attentionCount } from "../data/attention.ts";
import { announcement, type Link, link } from "../data/live.ts";
import { me, signOut } from "../data/session.ts";
import { Icon } from "../parts/state-badge.tsx";
import { openPalette } from "./palette.tsx";
import { address, decode } from "./router.ts";
import { readPreference, savePreference } from "./theme.ts";
import { ThemeChoice } from "./theme-choice.tsx";

const PLACES = [
  ["home", "Home", "/"],
  ["apps", "Apps", "/apps"],
  ["tasks", "Tasks", "/tasks"],
  ["fleet", "Fleet", "/fleet"],
  ["sites", "Sites", "/sites"],
  ["pipelines", "Pipelines", "/pipelines"],
  ["inbox", "Inbox", "/inbox"],
  ["settings", "Settings", "/settings"],
] as const;

const KEY = "gantry.rail";

export function Frame({ children }: { children: ComponentChildren }) {
  const isFolded = useSignal(readPreference(KEY) === "folded");
  const fold = (): void => {
    isFolded.value = !isFolded.value;
    savePreference(KEY, isFolded.value ? "folded" : "open");
  };
  return (
    <div class={isFolded.value ? "frame folded" : "frame"}>
      <a class="skip" href="#content" data-native>
        Skip to content
      </a>
      <Rail isFolded={isFolded.value} onFold={fold} />
      <header class="top">
        <Crumbs />
        <button type="button" class="search" onClick={openPalette} aria-keyshortcuts="/ Control+K">
          <Icon name="search" />
          <span>Search</span>
          <kbd>/</kbd>
        </button>
        <LiveBadge />
        <Person />
      </header>
      <main id="content" tabIndex={-1}>
        {children}
      </main>
      <p class="hidden" aria-live="polite">
        {announcement.value}
      </p>
    </div>
  );
}

function Rail({ isFolded, onFold }: { isFolded: boolean; onFold: () => void }) {
  const { path } = address.value;
  const waiting = attentionCount.value;
  return (
    <nav class="rail" aria-label="Main">
      <a class="brand" href="/" aria-label="Gantry">
        <svg viewBox="0 0 16 16" aria-hidden="true">
          <path d="M2 4h12M4 4v10M12 4v10M8 4v4M6.500 8h3v3h-3z" />
        </svg>
        <span>Gantry</span>
      </a>
      <ul>
        {PLACES.map(([icon, name, href]) => (
          <li key={href} class={`place-${icon}`}>
            <a href={href} aria-current={isIn(path, href) ? "page" : undefined} title={isFolded ? name : undefined}>
              <Icon name={icon} />
              <span class="label">{name}</span>
              {icon === "home" && waiting > 0 ? (
                <span class="needs" title={`${waiting} need you`}>
                  {waiting}
                </span>
              ) : null}
            </a>
          </li>
        ))}
      </ul>
      <button type="button" class="fold" onClick={onFold} aria-expanded={!isFolded}>
        <Icon name="fold" />
        <span class="label">Collapse</span>
      </button>
    </nav>
  );
}

function isIn(path: string, href: string): boolean {
  return href === "/" ? path === "/" : path === href || path.startsWith(`${href}/`);
}

function Crumbs() {
  const [area = "", item] = address.value.path.split("/").slice(1);
  const place = PLACES.find(([, , href]) => href === `/${area}`);
  return (
    <nav class="crumbs" aria-label="Breadcrumb">
      <ol>
        {place ? (
          <li>
            <a href={place[2]}>{place[1]}</a>
          </li>
        ) : null}
        {item === undefined || item === "" ? null : (
          <li aria-current="page" class="mono">
            {area === "tasks" ? item.slice(-8) : decode(item)}
          </li>
        )}
      </ol>
    </nav>
  );
}

const LINKS: { readonly [L in Link]: readonly [string, string] } = {
  connecting: ["connecting", "The first connection is being made."],
  live: ["live", "What you see is what is: changes arrive as they happen."],
  reconnecting: ["reconnecting", "The connection broke. What you see is the last that is known."],
  polling: ["polling", "No stream can be opened; changes are asked for every 3 seconds."],
  paused: ["paused", "This tab was in the background. It catches up now."],
  behind: ["behind", "The portal does not hear from the task-agent. What you see is the last that is known."],
};

function LiveBadge() {
  const [word, text] = LINKS[link.value];
  return (
    <span class={`live is-${link.value}`} title={text}>
      <span class="dot" aria-hidden="true" />
      <span>{word}</span>
    </span>
  );
}

function Person() {
  const person = me.value;
  const menu = useRef<HTMLDetailsElement>(null);
  useEffect(() => {
    const close = (event: Event): void => {
      const isInside = event.target instanceof Node && menu.current?.contains(event.target);
      const isEscape = event instanceof KeyboardEvent && event.key === "Escape";
      if (isEscape || (event.type === "pointerdown" && !isInside)) menu.current?.removeAttribute("open");
    };
    addEventListener("pointerdown", close);
    addEventListener("keydown", close);
    return () => {
      removeEventListener("pointerdown", close);
      removeEventListener("keydown", close);
    };
  }, []);
  return (
    <details class="menu person" ref={menu}>
      <summary aria-label={person ? `Signed in as ${person.name}` : "Person"}>
        <Icon name="person" />
        <span>{person?.name ?? ""}</span>
      </summary>
      <div class="menu-body">
        {person ? (
          <p class="soft">
            {person.name} · {person.role}
          </p>
        ) : null}
        <ThemeChoice name="theme" />
        <a href="/docs" data-native>
          API
        </a>
        <button type="button" class="button" onClick={() => void signOut()}>
          Sign out
        </button>
      </div>
    </details>
  );
}
