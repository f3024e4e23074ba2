// Keyboard shortcuts. A letter is a shortcut only while no text field has the focus. Views add shortcuts of their own
// while they are shown.

import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { go } from "./router.ts";

export const isHelpOpen = signal(false);
export const isSearchOpen = signal(false);

export type Shortcuts = { readonly [key: string]: () => void };

/** How long `g` waits for its second letter. */
const CHORD_MS = 1_200;
const viewShortcuts = new Set<Shortcuts>();
let chordUntil = 0;

/** `destinations`: the address that `g` followed by a letter opens. */
export function startShortcuts(destinations: ReadonlyMap<string, string>): void {
  addEventListener("keydown", (event) => {
    if (event.key === "k" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      isSearchOpen.value = true;
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || isTextField(event.target)) return;
    if (document.querySelector("dialog[open]")) return;
    if (press(event.key, destinations)) event.preventDefault();
  });
}

/** Shortcuts of a view, in force while the view is shown. */
export function useShortcuts(shortcuts: Shortcuts): void {
  useEffect(() => {
    viewShortcuts.add(shortcuts);
    return () => void viewShortcuts.delete(shortcuts);
  });
}

/** False when the key is no shortcut; the browser then handles it. */
function press(key: string, destinations: ReadonlyMap<string, string>): boolean {
  const now = performance.now();
  const destination = now < chordUntil ? destinations.get(key) : undefined;
  chordUntil = 0;
  if (destination !== undefined) {
    go(destination);
    return true;
  }
  if (key === "g") {
    chordUntil = now + CHORD_MS;
    return true;
  }
  if (key === "?") isHelpOpen.value = true;
  else if (key === "/") isSearchOpen.value = true;
  else {
    const action = [...viewShortcuts].map((shortcuts) => shortcuts[key]).find((found) => found !== undefined);
    action?.();
    return action !== undefined;
  }
  return true;
}

function isTextField(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
}
