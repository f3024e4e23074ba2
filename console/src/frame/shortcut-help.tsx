// The sheet of shortcuts.

import { useEffect, useRef } from "preact/hooks";
import { Icon } from "../parts/state-badge.tsx";
import { isHelpOpen } from "./shortcuts.ts";

const SHORTCUTS: readonly (readonly [string, string])[] = [
  ["/ or Ctrl K", "Search apps, tasks, pipelines"],
  ["g h", "Go to Home"],
  ["g a", "Go to Apps"],
  ["g t", "Go to Tasks"],
  ["g f", "Go to Fleet"],
  ["g s", "Go to Sites"],
  ["g p", "Go to Pipelines"],
  ["g i", "Go to Inbox"],
  ["j · k", "Task: next and previous step"],
  ["f", "Task: next failure"],
  ["l", "Task: into the log"],
  ["1 · 2 · 3", "Task: graph, list, timeline"],
  ["?", "This sheet"],
  ["Esc", "Close a sheet"],
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
        {SHORTCUTS.map(([key, meaning]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
    </dialog>
  );
}
