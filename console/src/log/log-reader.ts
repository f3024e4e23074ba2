// Reads the log of a step and follows it: bytes from where it stands, again and again until the log is final. No stream
// of its own: a browser opens six connections to one portal, and the feed needs one in every tab.

import type { ProblemBody } from "@gantry/runtime/http/problem.ts";
import { type ReadonlySignal, signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { ask, problemFrom } from "../data/api.ts";
import { addText, type LogText, NO_TEXT } from "./log-text.ts";

export type LogState = {
  readonly text: LogText;
  readonly isFinal: boolean;
  readonly isLoaded: boolean;
  /** Bytes at the beginning that are not shown, because the log is too long for a page. */
  readonly skipped: number;
  readonly problem: ProblemBody | undefined;
};

const FIRST: LogState = { text: NO_TEXT, isFinal: false, isLoaded: false, skipped: 0, problem: undefined };
const AGAIN_MS = 500;
const AGAIN_AFTER_PROBLEM_MS = 3_000;
/** A page shows this many bytes from the end of a log; the download has all. */
const MAX_BYTES = 8_000_000;

/** The log at an address, growing; it stops being read when nobody looks. */
export function useLog(path: string): ReadonlySignal<LogState> {
  const state = useMemo(() => signal(FIRST), [path]);
  useEffect(() => {
    const leaving = new AbortController();
    void follow(path, leaving.signal, (change) => {
      state.value = change(state.value);
    });
    return () => leaving.abort();
  }, [path]);
  return state;
}

async function follow(
  path: string,
  signal: AbortSignal,
  update: (change: (state: LogState) => LogState) => void,
): Promise<void> {
  const decoder = new TextDecoder();
  let at = 0;
  while (!signal.aborted) {
    let wait = AGAIN_MS;
    try {
      const { bytes, size, isFinal, from } = await readFrom(path, at, signal);
      const skipped = from - at;
      at = from + bytes.length;
      const isDone = isFinal && at >= size;
      const text = decoder.decode(bytes, { stream: !isDone });
      update((state) => ({
        text: addText(state.text, text),
        isFinal: isDone,
        isLoaded: true,
        skipped: state.skipped + skipped,
        problem: undefined,
      }));
      if (isDone) return;
    } catch (error) {
      if (signal.aborted) return;
      wait = AGAIN_AFTER_PROBLEM_MS;
      const problem = problemFrom(error);
      update((state) => ({ ...state, problem, isLoaded: true }));
    }
    await pause(document.hidden ? AGAIN_AFTER_PROBLEM_MS : wait, signal);
  }
}

async function readFrom(
  path: string,
  at: number,
  signal: AbortSignal,
): Promise<{ bytes: Uint8Array; size: number; isFinal: boolean; from: number }> {
  const join = path.includes("?") ? "&" : "?";
  const get = (from: number, limit: string): Promise<Response> =>
    ask(`${path}${join}from=${from}${limit}`, { headers: { accept: "text/plain" }, signal });
  let from = at;
  if (at === 0) {
    const size = sizeOf(await get(0, "&limit=1"));
    from = Math.max(0, size - MAX_BYTES);
  }
  const answer = await get(from, "");
  const bytes = new Uint8Array(await answer.arrayBuffer());
  return { bytes, size: sizeOf(answer), isFinal: answer.headers.get("gantry-log-final") === "true", from };
}

function sizeOf(answer: Response): number {
  return Number(answer.headers.get("gantry-log-size") ?? 0);
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
