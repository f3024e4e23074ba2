// Brings the file of a step's log to the task-agent: by offset, with a checksum, promptly while it grows, and from where
// the agent says that it is when the two disagree.

import { crc32 } from "node:zlib";
import { pause } from "@gantry/runtime/clock.ts";
import { type JobRef, MAX_LOG_CHUNK } from "@gantry/wire/runner/protocol.ts";
import type { Link } from "../agent-link/agent-link.ts";
import { refFields } from "../attempts/refs.ts";
import { isCode, type RunnerDeps } from "../ports.ts";
import type { OpenFile } from "../state/files.ts";

export type LogUpload = {
  /** There may be something new to send. */
  readonly wake: () => void;
  /** Resolves when the agent has all of a closed log, or wants no more of it; rejects when the signal is aborted. */
  readonly done: Promise<void>;
};

export type UploadOptions = {
  readonly ref: JobRef;
  readonly step: string;
  readonly file: string;
  /** How long the file is, and whether that is the end. */
  readonly size: () => number;
  readonly closed: () => boolean;
  readonly link: Link;
  readonly deps: Pick<RunnerDeps, "clock" | "files" | "logger">;
  readonly signal: AbortSignal;
  /** The agent refused because the lease is over. */
  readonly onLost: () => void;
};

/** Lines that come close together travel together; nobody notices so little. */
const GATHER_MS = 40;

export function startUpload(options: UploadOptions): LogUpload {
  let isAwake = false;
  let call: (() => void) | undefined;
  let hurry: (() => void) | undefined;
  const wake = (): void => {
    isAwake = true;
    call?.();
    if (options.closed()) hurry?.();
  };
  const gather = (): Promise<void> =>
    pause(options.deps.clock, GATHER_MS, options.signal, (end) => {
      hurry = end;
      return () => {
        hurry = undefined;
      };
    });
  /** Resolves when `wake` was called since the last time. */
  const woken = async (): Promise<void> => {
    while (!isAwake) {
      await new Promise<void>((resolve, reject) => {
        const aborted = (): void => reject(options.signal.reason);
        call = () => {
          options.signal.removeEventListener("abort", aborted);
          resolve();
        };
        options.signal.addEventListener("abort", aborted, { once: true });
        if (options.signal.aborted) aborted();
      });
    }
    isAwake = false;
  };
  const done = upload(options, woken, gather);
  // The failure is for whoever waits at the end of the attempt, which may be later.
  done.catch(() => {});
  return { wake, done };
}

async function upload(options: UploadOptions, woken: () => Promise<void>, gather: () => Promise<void>): Promise<void> {
  const { size, closed, file } = options;
  let acked = 0;
  let handle: OpenFile | undefined;
  try {
    for (;;) {
      while (acked >= size() && !closed()) {
        await woken();
        if (!closed()) await gather();
        options.signal.throwIfAborted();
      }
      handle ??= await options.deps.files.open(file, "read");
      const answer = await sendFrom(options, handle, acked);
      if (answer === "refused") return;
      acked = answer.acked;
      if (answer.final && acked >= size()) return;
    }
  } finally {
    await handle?.close();
  }
}

/** Sends the next chunk; answers where the agent is then. */
async function sendFrom(
  { ref, step, size, closed, link, deps, signal, onLost }: UploadOptions,
  handle: OpenFile,
  offset: number,
): Promise<{ acked: number; final: boolean } | "refused"> {
  const isClosed = closed();
  const bytes = await handle.read(offset, Math.min(MAX_LOG_CHUNK, size() - offset));
  const final = isClosed && offset + bytes.length >= size();
  const chunk = { ref, step, offset, crc: crc32(bytes), final, bytes };
  try {
    const acked = await link.call((client, session, call) => client.log({ ...chunk, session }, call), { signal });
    return { acked: Math.min(acked, size()), final };
  } catch (error) {
    if (isCode(error, "log-rewind") && typeof error.details.ack === "number") {
      return { acked: Math.min(Math.max(0, error.details.ack), size()), final: false };
    }
    if (signal.aborted) throw error;
    if (isCode(error, "lease-lost")) onLost();
    else deps.logger.error({ ...refFields(ref), step, err: error }, "the task-agent does not take the rest of a log");
    return "refused";
  }
}
