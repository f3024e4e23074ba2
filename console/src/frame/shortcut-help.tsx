// The dialog that lists the keyboard shortcuts.

import { useEffect, useRef } from "preact/hooks";
import { Icon } from "../parts/icon.tsx";
import { RAIL } from "./pages.tsx";
import { isHelpOpen } from "./shortcuts.ts";

const SHORTCUTS: readonly (readonly [keys: string, action: string])[] = [
  ["/ or Ctrl K", "Search apps, tasks, pipelines and pages"],
  ...RAIL.flatMap(({ shortcut, title }) =>
    shortcut === undefined ? [] : [[`g ${shortcut}`, `Go to ${title}`] as const],
  ),
  ["j · k", "Task: next and previous step"],
  ["f", "Task: next failed step"],
  ["l", "Task: focus the log"],
  ["1 · 2 · 3", "Task: graph, list, timeline"],
  ["?", "Show this list"],
  ["Esc", "Close a dialog"],
];

export function ShortcutHelp() {
  const dialog = useRef<HTMLDialogElement>(null);
  const isOpen = isHelpOpen.value;
  useEffect(() => {
    if (isOpen) dialog.current?.showModal();
  }, [isOpen]);
  if (!isOpen) return null;
  const closed = (): void => {
    isHelpOpen.value = false;
  };
  return (
    <dialog class="box" ref={dialog} onClose={closed} aria-label="Keyboard shortcuts">
      <header>
        <h2>Keyboard shortcuts</h2>
        <button type="button" class="icon-button" aria-label="Close" onClick={() => dialog.current?.close()}>
          <Icon name="close" />
        </button>
      </header>
      <dl class="shortcuts">
        {SHORTCUTS.map(([keys, action]) => (
          <div key={keys}>
            <dt>
              <kbd>{keys}</kbd>
            </dt>
            <dd>{action}</dd>
          </div>
        ))}
      </dl>
    </dialog>
  );
}
