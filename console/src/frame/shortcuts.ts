// Shortcuts. Letters count only where nobody types; views add their own while they are shown.

import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { go } from "./router.ts";

export const isHelpOpen = signal(false);
export const isPaletteOpen = signal(false);

export type Shortcuts = { readonly [key: string]: () => void };

const views = new Set<Shortcuts>();
const PLACES: { readonly [key: string]: string } = {
  h: "/",
  a: "/apps",
  t: "/tasks",
  f: "/fleet",
  s: "/sites",
  p: "/pipelines",
  i: "/inbox",
};
/** How long `g` waits for its second letter. */
const CHORD_MS = 1_200;
let chordUntil = 0;

export function startShortcuts(): void {
  addEventListener("keydown", (event) => {
    if (event.key === "k" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      isPaletteOpen.value = true;
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (document.querySelector("dialog[open]")) return;
    if (press(event.key)) event.preventDefault();
  });
}

/** Shortcuts of a view, while it is shown. */
export function useShortcuts(keys: Shortcuts): void {
  useEffect(() => {
    views.add(keys);
    return () => void views.delete(keys);
  });
}

function press(key: string): boolean {
  const now = performance.now();
  const place = now < chordUntil ? PLACES[key] : undefined;
  chordUntil = 0;
  if (place !== undefined) {
    go(place);
    return true;
  }
  if (key === "g") {
    chordUntil = now + CHORD_MS;
    return true;
  }
  if (key === "?") isHelpOpen.value = true;
  else if (key === "/") isPaletteOpen.value = true;
  else {
    const own = [...views].map((keys) => keys[key]).find((act) => act !== undefined);
    own?.();
    return own !== undefined;
  }
  return true;
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
}
