// The log of one step on this machine: every byte goes through the masker, then to a file, then (log-upload.ts) to the
// task-agent. The file survives a crash of the runner and a cut of the link.

import type { Masker } from "@gantry/core/mask/masker.ts";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import type { Files, OpenFile } from "../state/files.ts";

export type LogSource = "stdout" | "stderr" | "runner";

export type LogSpool = {
  /** Bytes of one source in their order. What the sources write is joined in the order of the calls. */
  readonly write: (source: LogSource, bytes: Uint8Array) => void;
  readonly line: (text: string) => void;
  /** Bytes that are in the file. */
  readonly size: () => number;
  /** No more bytes will come, and all of them are in the file. */
  readonly closed: () => boolean;
  readonly close: () => Promise<void>;
};

export type SpoolOptions = {
  readonly files: Files;
  readonly file: string;
  readonly masker: Masker;
  readonly logger: Logger;
  /** JobEvents when the file has grown, and when it is closed. */
  readonly onGrowth: () => void;
  /** What programs write, masked, as it comes; for finding the first failing line. */
  readonly onBytes?: (bytes: Uint8Array) => void;
  /** Bytes of one log; what comes after them is dropped with a sentence at the end. */
  readonly limit?: number;
};

export const MAX_STEP_LOG = 64 * 1_048_576;

export async function openSpool({
  files,
  file,
  masker,
  logger,
  onGrowth,
  onBytes,
  limit = MAX_STEP_LOG,
}: SpoolOptions): Promise<LogSpool> {
  const handle = await files.open(file, "new");
  const streams = { stdout: masker.stream(), stderr: masker.stream(), runner: masker.stream() };
  let pending: Uint8Array[] = [];
  let accepted = 0;
  let dropped = 0;
  let written = 0;
  let isClosed = false;
  let flushing: Promise<void> | undefined;

  const flush = async (): Promise<void> => {
    while (pending.length > 0) {
      const batch = Buffer.concat(pending);
      pending = [];
      const done = await append(handle, batch, logger, file);
      written += done;
      onGrowth();
    }
    flushing = undefined;
  };
  const enqueue = (bytes: Uint8Array): void => {
    if (bytes.length === 0) return;
    pending.push(bytes);
    flushing ??= flush();
  };
  const accept = (bytes: Uint8Array): void => {
    const room = Math.max(0, limit - accepted);
    const kept = bytes.length <= room ? bytes : bytes.slice(0, room);
    accepted += kept.length;
    dropped += bytes.length - kept.length;
    enqueue(kept);
  };

  return {
    write: (source, bytes) => {
      const masked = streams[source].push(bytes);
      if (source !== "runner") onBytes?.(masked);
      // The caller may use its buffer again.
      accept(masked === bytes ? masked.slice() : masked);
    },
    line: (text) => accept(Buffer.from(`${masker.text(text)}\n`)),
    size: () => written,
    closed: () => isClosed,
    close: async () => {
      for (const source of ["stdout", "stderr", "runner"] as const) {
        const rest = streams[source].end();
        if (source !== "runner") onBytes?.(rest);
        accept(rest);
      }
      if (dropped > 0)
        enqueue(Buffer.from(`\n[gantry] The log is longer than ${limit} bytes; ${dropped} bytes are not kept.\n`));
      await flushing;
      await handle.close();
      isClosed = true;
      onGrowth();
    },
  };
}

/** A full disk costs log bytes, not the work. */
async function append(handle: OpenFile, bytes: Uint8Array, logger: Logger, file: string): Promise<number> {
  let done = 0;
  try {
    while (done < bytes.length) done += await handle.write(bytes.subarray(done));
  } catch (error) {
    logger.error({ err: error, file, bytes: bytes.length - done }, "log bytes could not be written and are lost");
  }
  return done;
}
