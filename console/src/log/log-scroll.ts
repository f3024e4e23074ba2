// Where a log stands: following its end, opening at a line, showing a line.

import { useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";

/** What is seen above a line that is shown: three lines. */
const LINES_BEFORE_PX = 54;
export const LINE_PX = 18;
/** Frames to wait for a chunk to become text. */
const PATIENCE = 30;

/** The end is followed until the person scrolls away from it, and again when the person comes back to it. */
export function useFollow(
  scroller: { current: HTMLDivElement | null },
  length: number,
  isFinal: boolean,
  path: string,
) {
  const isFollowing = useSignal(true);
  const seen = useRef(0);
  useEffect(() => {
    isFollowing.value = true;
  }, [path]);
  useLayoutEffect(() => {
    const box = scroller.current;
    if (!isFollowing.value || !box || isFinal) return;
    box.scrollTop = box.scrollHeight;
    seen.current = length;
  }, [length, isFinal]);
  const onScroll = (): void => {
    const box = scroller.current;
    if (!box) return;
    const isAtEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 24;
    if (isAtEnd !== isFollowing.value) seen.current = length;
    isFollowing.value = isAtEnd;
  };
  const toEnd = (): void => {
    isFollowing.value = true;
    scroller.current?.scrollTo({ top: scroller.current.scrollHeight });
  };
  return { isFollowing: isFollowing.value, unseen: Math.max(0, length - seen.current), onScroll, toEnd };
}

/** Shows a line once, when it is there: the one in the address, else the first failing one. */
export function useOpenAt(
  scroller: { current: HTMLDivElement | null },
  n: number | undefined,
  isReady: boolean,
  path: string,
): void {
  const done = useRef("");
  useEffect(() => {
    if (!isReady || n === undefined || done.current === path) return;
    done.current = path;
    showLine(scroller.current, n, false);
  }, [isReady, n, path]);
}

/**
 * Scrolls to a line and marks it. In a long log its chunk may not be text yet: then first to the chunk, and again when
 * it is. `movesPage`: also the page goes there. What opens by itself leaves the headline of the task in view.
 */
export function showLine(box: HTMLDivElement | null, n: number, movesPage = true, patience = PATIENCE): void {
  if (!box || patience === 0) return;
  const line = box.querySelector(`[data-n="${n}"]`);
  const goTo = (element: Element, down: number): void => {
    const offset = element.getBoundingClientRect().top - box.getBoundingClientRect().top;
    box.scrollTop += offset + down - Math.min(box.clientHeight / 3, LINES_BEFORE_PX);
  };
  if (!line) {
    const chunks = [...box.querySelectorAll<HTMLElement>("[data-from]")];
    const chunk = chunks.findLast((one) => Number(one.dataset.from) <= n);
    if (chunk && patience === PATIENCE) goTo(chunk, (n - Number(chunk.dataset.from)) * LINE_PX);
    requestAnimationFrame(() => showLine(box, n, movesPage, patience - 1));
    return;
  }
  goTo(line, 0);
  for (const old of box.querySelectorAll(".is-shown")) old.classList.remove("is-shown");
  line.classList.add("is-shown");
  if (movesPage) line.scrollIntoView({ block: "nearest" });
}

/** `L120` or `L120-L140`. */
export function rangeOf(hash: string): readonly [number, number] | undefined {
  const found = /^L(\d{1,9})(?:-L(\d{1,9}))?$/.exec(hash);
  return found ? [Number(found[1]), Number(found[2] ?? found[1])] : undefined;
}
