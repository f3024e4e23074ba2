// Reads the log of a step and follows it: asks for the bytes after the last ones until the log is final. It opens no
// stream, because a browser opens at most six connections to one portal and each tab needs one for the event feed.

import type { ProblemBody } from "@gantry/runtime/http/problem.ts";
import { type ReadonlySignal, signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { ask, problemFrom } from "../data/api.ts";
import { addText, EMPTY_LOG, type LogText } from "./log-lines.ts";

export type LogState = {
  readonly text: LogText;
  readonly isFinal: boolean;
  readonly isLoaded: boolean;
  /** Bytes at the start of the log that are not shown, because the log is too large for a page. */
  readonly skippedBytes: number;
  readonly problem: ProblemBody | undefined;
};

const NOT_LOADED: LogState = { text: EMPTY_LOG, isFinal: false, isLoaded: false, skippedBytes: 0, problem: undefined };
const POLL_MS = 500;
const RETRY_MS = 3_000;
/** A page shows at most this many bytes, from the end of the log. The download has all. */
const MAX_BYTES = 8_000_000;
const LINE_BREAK = 0x0a;

/** The log at an API address. It is read while a view shows it. */
export function useLog(path: string): ReadonlySignal<LogState> {
  const state = useMemo(() => signal(NOT_LOADED), [path]);
  useEffect(() => {
    const leaving = new AbortController();
    void follow(path, leaving.signal, (change) => {
      state.value = change(state.value);
    });
    return () => leaving.abort();
  }, [path]);
  return state;
}

type Update = (change: (state: LogState) => LogState) => void;

async function follow(path: string, signal: AbortSignal, update: Update): Promise<void> {
  const decoder = new TextDecoder();
  let start: Start | undefined;
  let at = 0;
  while (!signal.aborted) {
    let waitMs = POLL_MS;
    try {
      start ??= await findStart(path, signal);
      at = Math.max(at, start.offset);
      const { bytes, size, isFinal } = await readFrom(path, at, signal);
      at += bytes.length;
      const isDone = isFinal && at >= size;
      const text = decoder.decode(bytes, { stream: !isDone });
      const { offset, line } = start;
      update((state) => ({
        text: addText({ ...state.text, firstLine: line }, text),
        isFinal: isDone,
        isLoaded: true,
        skippedBytes: offset,
        problem: undefined,
      }));
      if (isDone) return;
    } catch (error) {
      if (signal.aborted) return;
      waitMs = RETRY_MS;
      const problem = problemFrom(error);
      update((state) => ({ ...state, problem, isLoaded: true }));
    }
    await pause(document.hidden ? RETRY_MS : waitMs, signal);
  }
}

/** Where a page begins to show a log: always at the start of a line, with its number in the whole log. */
type Start = { readonly offset: number; readonly line: number };

async function findStart(path: string, signal: AbortSignal): Promise<Start> {
  const size = sizeOf(await get(path, "from=0&limit=1", signal));
  if (size <= MAX_BYTES) return { offset: 0, line: 1 };
  const from = size - MAX_BYTES;
  const answer = await get(path, `from=${from}&limit=65536&lineNumber=true`, signal);
  const bytes = new Uint8Array(await answer.arrayBuffer());
  const end = bytes.indexOf(LINE_BREAK);
  const line = Number(answer.headers.get("gantry-log-line") ?? 1);
  return end < 0 ? { offset: from, line } : { offset: from + end + 1, line: line + 1 };
}

async function readFrom(
  path: string,
  at: number,
  signal: AbortSignal,
): Promise<{ bytes: Uint8Array; size: number; isFinal: boolean }> {
  const answer = await get(path, `from=${at}`, signal);
  const bytes = new Uint8Array(await answer.arrayBuffer());
  return { bytes, size: sizeOf(answer), isFinal: answer.headers.get("gantry-log-final") === "true" };
}

function get(path: string, query: string, signal: AbortSignal): Promise<Response> {
  return ask(`${path}${path.includes("?") ? "&" : "?"}${query}`, { headers: { accept: "text/plain" }, signal });
}

function sizeOf(answer: Response): number {
  return Number(answer.headers.get("gantry-log-size") ?? 0);
}

/** Resolves after a time, or when the signal aborts. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
