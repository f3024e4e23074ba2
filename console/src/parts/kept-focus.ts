// The focus of somebody who pressed a button that the page then replaces.

import type { RefObject } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

export type KeptFocus = {
  /** The element around what is replaced. */
  readonly around: RefObject<HTMLDivElement | null>;
  /** To be called when the button is pressed. */
  readonly keep: () => void;
};

/**
 * Without it, the focus is lost with the button, and the next Tab begins at the top of the page. When `shown` has changed, the focus
 * goes to the first field of what is there now, else to its last button: of several, that is the one that changes nothing.
 */
export function useKeptFocus(shown: boolean | string): KeptFocus {
  const around = useRef<HTMLDivElement>(null);
  const pressedAt = useRef<boolean | string | undefined>(undefined);
  useLayoutEffect(() => {
    if (pressedAt.current === undefined || pressedAt.current === shown) return;
    if (document.activeElement !== document.body) return;
    const field = around.current?.querySelector<HTMLElement>("input, select, textarea");
    // A button is disabled until the response has arrived.
    const target = field ?? [...(around.current?.querySelectorAll<HTMLElement>("button:enabled") ?? [])].at(-1);
    if (!target) return;
    target.focus();
    pressedAt.current = undefined;
  });
  return {
    around,
    keep: () => {
      pressedAt.current = shown;
    },
  };
}
