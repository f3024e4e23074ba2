// The scroll position of a log: following its end, opening at a line, showing a line.

import { useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";

/** Room above a line that is shown: three lines. */
const LINES_BEFORE_PX = 54;
export const LINE_PX = 18;
/** Animation frames to wait until a chunk has rendered its text. */
const MAX_FRAMES = 30;

/**
 * Follows the end of a growing log, until the person scrolls away from it, and again when the person scrolls back to it.
 * The last lines are followed as well. A log that is final when it opens is not scrolled to its end.
 */
export function useFollow(
  scroller: { current: HTMLDivElement | null },
  length: number,
  { isLoaded, isFinal }: { readonly isLoaded: boolean; readonly isFinal: boolean },
  path: string,
) {
  const isFollowing = useSignal(true);
  const seen = useRef(0);
  const wasGrowing = useRef(false);
  useEffect(() => {
    isFollowing.value = true;
    wasGrowing.current = false;
  }, [path]);
  useLayoutEffect(() => {
    const box = scroller.current;
    if (isLoaded && !isFinal) wasGrowing.current = true;
    if (!isFollowing.value || !box || !wasGrowing.current) return;
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

/** Shows a line once, as soon as the log is ready: the line in the address, else the first failing one. */
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
 * Scrolls to a line and marks it. In a long log the chunk of the line may not be rendered yet: then it scrolls to the chunk
 * first, and again when the line is there. `movesPage` also scrolls the page. A log that opens automatically must not, so
 * that the headline of the task stays visible.
 */
export function showLine(box: HTMLDivElement | null, n: number, movesPage = true, framesLeft = MAX_FRAMES): void {
  if (!box || framesLeft === 0) return;
  const line = box.querySelector(`[data-n="${n}"]`);
  const goTo = (element: Element, down: number): void => {
    const offset = element.getBoundingClientRect().top - box.getBoundingClientRect().top;
    box.scrollTop += offset + down - Math.min(box.clientHeight / 3, LINES_BEFORE_PX);
  };
  if (!line) {
    const chunks = [...box.querySelectorAll<HTMLElement>("[data-from]")];
    const chunk = chunks.findLast((one) => Number(one.dataset.from) <= n);
    if (chunk && framesLeft === MAX_FRAMES) goTo(chunk, (n - Number(chunk.dataset.from)) * LINE_PX);
    requestAnimationFrame(() => showLine(box, n, movesPage, framesLeft - 1));
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
