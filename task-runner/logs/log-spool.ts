// The log of one step on this machine: every byte passes the masker, then goes to a file, and from there (log-upload.ts)
// to the task-agent. The file survives a crash of the runner and an interrupted connection.

import { join } from "node:path";
import type { Masker } from "@gantry/core/mask/masker.ts";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import type { Files, OpenFile } from "../state/files.ts";
import type { JobControl } from "../workers/job-executor.ts";
import { findCommandLines, type LineHandler } from "./command-lines.ts";

export type LogSource = "stdout" | "stderr" | "runner";

export type LogSpool = {
  /** Bytes of one source, in order. Bytes of different sources are interleaved in the order of the calls. */
  readonly write: (source: LogSource, bytes: Uint8Array) => void;
  readonly line: (text: string) => void;
  /** The programs of a try have ended: a last line without a line break is complete. */
  readonly endLines: () => void;
  /** Resolves when all bytes are in the file. Nothing may be written afterwards. */
  readonly close: () => Promise<void>;
};

export type SpoolOptions = {
  readonly files: Files;
  /** Folder of the file. */
  readonly folder: string;
  /** Position of the step in its job, from 0: the file is named after it. */
  readonly index: number;
  readonly step: string;
  readonly masker: Masker;
  readonly logger: Logger;
  /** Gets `log-opened`, and `log-grown` when bytes have reached the file and when it is closed. */
  readonly emit: JobControl["emit"];
  /** Gets the lines of programs that may be commands, before they are masked. */
  readonly commands?: LineHandler;
  /** Gets the masked output of programs as it arrives, to find the first failing line. */
  readonly onBytes?: (bytes: Uint8Array) => void;
  /** Maximum size of the log in bytes. Further bytes are dropped, and the last line of the log says so. */
  readonly limit?: number;
};

export const MAX_STEP_LOG = 64 * 1_048_576;
const SOURCES = ["stdout", "stderr", "runner"] as const;
const NO_COMMANDS: LineHandler = { take: () => undefined, tooLong: () => undefined };

/** Creates the log file of a step, which must not exist yet. */
export async function openSpool(options: SpoolOptions): Promise<LogSpool> {
  const { step, masker, emit, onBytes, commands = NO_COMMANDS, limit = MAX_STEP_LOG } = options;
  const file = await openLogFile(options);
  const streams = { stdout: masker.stream(), stderr: masker.stream(), runner: masker.stream() };
  const lines = {
    stdout: findCommandLines(commands),
    stderr: findCommandLines(commands),
    runner: findCommandLines(NO_COMMANDS),
  };
  let accepted = 0;
  let dropped = 0;
  const accept = (bytes: Uint8Array): void => {
    const room = Math.max(0, limit - accepted);
    const kept = bytes.length <= room ? bytes : bytes.slice(0, room);
    accepted += kept.length;
    dropped += bytes.length - kept.length;
    file.append(kept);
  };

  const put = (source: LogSource, output: Uint8Array): void => {
    const masked = streams[source].push(output);
    if (source !== "runner") onBytes?.(masked);
    // The caller may reuse its buffer.
    accept(masked === output ? masked.slice() : masked);
  };
  const endLines = (): void => {
    for (const source of SOURCES) put(source, lines[source].end());
  };

  return {
    endLines,
    write: (source, bytes) => put(source, lines[source].push(bytes)),
    line: (text) => accept(Buffer.from(`${masker.text(text)}\n`)),
    close: async () => {
      endLines();
      for (const source of SOURCES) {
        const rest = streams[source].end();
        if (source !== "runner") onBytes?.(rest);
        accept(rest);
      }
      if (dropped > 0)
        file.append(Buffer.from(`\n[gantry] The log is longer than ${limit} bytes; ${dropped} bytes were dropped.\n`));
      emit({ kind: "log-grown", step, size: await file.close(), isClosed: true });
    },
  };
}

type LogFile = {
  readonly append: (bytes: Uint8Array) => void;
  /** Returns the size of the file. */
  readonly close: () => Promise<number>;
};

/** Bytes that arrive during a write are written together afterwards. */
async function openLogFile({ files, folder, index, step, logger, emit }: SpoolOptions): Promise<LogFile> {
  const path = join(folder, `${index + 1}.log`);
  const handle = await files.open(path, "new");
  let pending: Uint8Array[] = [];
  let size = 0;
  let flushing: Promise<void> | undefined;
  emit({ kind: "log-opened", step, file: path });

  const flush = async (): Promise<void> => {
    while (pending.length > 0) {
      const batch = Buffer.concat(pending);
      pending = [];
      size += await writeOrLose(handle, batch, logger, path);
      emit({ kind: "log-grown", step, size, isClosed: false });
    }
    flushing = undefined;
  };
  return {
    append: (bytes) => {
      if (bytes.length === 0) return;
      pending.push(bytes);
      flushing ??= flush();
    },
    close: async () => {
      await flushing;
      await handle.close();
      return size;
    },
  };
}

/** A full disk costs log bytes, but the step continues. Returns how many bytes were written. */
async function writeOrLose(handle: OpenFile, bytes: Uint8Array, logger: Logger, file: string): Promise<number> {
  let done = 0;
  try {
    while (done < bytes.length) done += await handle.write(bytes.subarray(done));
  } catch (error) {
    logger.error({ err: error, file, bytes: bytes.length - done }, "log bytes could not be written and are lost");
  }
  return done;
}
