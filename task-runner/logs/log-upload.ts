// Uploads the log files of one attempt to the task-agent: by offset, with a checksum, promptly while they grow. When the
// task-agent has a different offset, the upload continues from there.

import { crc32 } from "node:zlib";
import { pause } from "@gantry/runtime/clock.ts";
import { type JobRef, MAX_LOG_CHUNK } from "@gantry/wire/runner/protocol.ts";
import type { Link } from "../agent-link/agent-link.ts";
import { refFields } from "../attempts/refs.ts";
import { isCode, type RunnerDeps } from "../ports.ts";
import type { OpenFile } from "../state/files.ts";

export type LogUploads = {
  /** Starts to upload the log of a step. */
  readonly open: (step: string, file: string) => void;
  /** The file of an opened log now has `size` bytes. `isClosed`: it is complete. */
  readonly grow: (step: string, size: number, isClosed: boolean) => void;
  /** Starts to upload a complete log. */
  readonly openComplete: (step: string, file: string) => Promise<void>;
  /** Resolves when the task-agent has all complete logs, or refuses the rest of them, or the signal is aborted. */
  readonly done: () => Promise<void>;
};

export type UploadOptions = {
  readonly ref: JobRef;
  readonly link: Link;
  readonly deps: Pick<RunnerDeps, "clock" | "files" | "logger">;
  readonly signal: AbortSignal;
  /** The task-agent refused a log because the lease is over. */
  readonly onLost: () => void;
};

/** How long to wait for more lines before a chunk is sent, so that lines travel together. */
const GATHER_MS = 40;

export function createLogUploads(options: UploadOptions): LogUploads {
  const growing = new Map<string, Growth>();
  const uploads: Promise<void>[] = [];
  const open = (step: string, file: string): Growth => {
    const growth = createGrowth(options);
    growing.set(step, growth);
    const done = upload(options, step, file, growth);
    // Failures are handled by `done`, which may be called much later.
    done.catch(() => {});
    uploads.push(done);
    return growth;
  };
  return {
    open: (step, file) => void open(step, file),
    grow: (step, size, isClosed) => growing.get(step)?.grow(size, isClosed),
    openComplete: async (step, file) => {
      const size = await options.deps.files.size(file);
      open(step, file).grow(size, true);
    },
    done: async () => void (await Promise.allSettled(uploads)),
  };
}

type Growth = {
  readonly size: () => number;
  readonly isClosed: () => boolean;
  readonly grow: (size: number, isClosed: boolean) => void;
  /** Resolves when the file has more bytes than `acked`, or is closed; rejects with the signal's reason. */
  readonly beyond: (acked: number) => Promise<void>;
};

function createGrowth({ deps, signal }: UploadOptions): Growth {
  let [size, isClosed] = [0, false];
  let changed = Promise.withResolvers<void>();
  let endPause: (() => void) | undefined;
  signal.addEventListener("abort", () => changed.resolve(), { once: true });
  return {
    size: () => size,
    isClosed: () => isClosed,
    grow: (newSize, nowClosed) => {
      size = Math.max(size, newSize);
      isClosed ||= nowClosed;
      changed.resolve();
      if (isClosed) endPause?.();
    },
    beyond: async (acked) => {
      while (acked >= size && !isClosed) {
        signal.throwIfAborted();
        changed = Promise.withResolvers<void>();
        await changed.promise;
        signal.throwIfAborted();
        if (isClosed) return;
        await pause(deps.clock, GATHER_MS, signal, (end) => {
          endPause = end;
          return () => {
            endPause = undefined;
          };
        });
        signal.throwIfAborted();
      }
    },
  };
}

async function upload(options: UploadOptions, step: string, file: string, growth: Growth): Promise<void> {
  let acked = 0;
  let handle: OpenFile | undefined;
  try {
    for (;;) {
      await growth.beyond(acked);
      handle ??= await options.deps.files.open(file, "read");
      const answer = await sendFrom(options, step, growth, handle, acked);
      if (answer === "refused") return;
      acked = answer.acked;
      if (answer.final && acked >= growth.size()) return;
    }
  } finally {
    await handle?.close();
  }
}

/** Sends the next chunk; returns the offset of the task-agent afterwards. */
async function sendFrom(
  { ref, link, deps, signal, onLost }: UploadOptions,
  step: string,
  { size, isClosed }: Growth,
  handle: OpenFile,
  offset: number,
): Promise<{ acked: number; final: boolean } | "refused"> {
  const wasClosed = isClosed();
  const bytes = await handle.read(offset, Math.min(MAX_LOG_CHUNK, size() - offset));
  const final = wasClosed && offset + bytes.length >= size();
  const chunk = { ref, step, offset, crc: crc32(bytes), final, bytes };
  try {
    const { ack } = await link.call((client, session, call) => client.log({ ...chunk, session }, call), { signal });
    return { acked: Math.min(ack, size()), final };
  } catch (error) {
    if (isCode(error, "log-rewind") && typeof error.details.ack === "number") {
      return { acked: Math.min(Math.max(0, error.details.ack), size()), final: false };
    }
    if (signal.aborted) throw error;
    if (isCode(error, "lease-lost")) onLost();
    else deps.logger.error({ ...refFields(ref), step, err: error }, "the task-agent refuses the rest of a log");
    return "refused";
  }
}
