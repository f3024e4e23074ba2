// The log files that are open now. Each is opened once, and the ones used longest ago are closed.

import { type FileHandle, mkdir, open as openFile } from "node:fs/promises";
import { dirname } from "node:path";
import { exists } from "@gantry/journal/archive/archive.ts";
import type { Clock } from "@gantry/runtime/clock.ts";

export type OpenLog = {
  file: FileHandle;
  size: number;
  final: boolean;
  /** Ends when the last append has ended. */
  lastAppend: Promise<unknown>;
  readonly waiters: Set<() => void>;
  /** Monotonic. */
  usedMs: number;
};

const MAX_OPEN = 256;

export class OpenLogs {
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #logs = new Map<string, OpenLog>();
  readonly #opening = new Map<string, Promise<OpenLog>>();

  constructor(clock: Pick<Clock, "monotonicMs">) {
    this.#clock = clock;
  }

  /** Creates the file if it does not exist. Rejects when the disk fails. */
  async open(path: string): Promise<OpenLog> {
    const known = this.#logs.get(path);
    if (known) {
      known.usedMs = this.#clock.monotonicMs();
      return known;
    }
    const opening = this.#opening.get(path) ?? openLog(path, this.#clock.monotonicMs());
    this.#opening.set(path, opening);
    try {
      const log = await opening;
      this.#logs.set(path, log);
      await closeOldest(this.#logs);
      return log;
    } finally {
      this.#opening.delete(path);
    }
  }

  /** Resolves when the last append to every log has ended and all files are closed. */
  async close(): Promise<void> {
    for (const log of this.#logs.values()) {
      await log.lastAppend;
      await log.file.close();
    }
    this.#logs.clear();
  }
}

/** Reads how far another agent has written. */
export async function refresh(log: OpenLog, path: string): Promise<void> {
  log.size = Math.max(log.size, (await log.file.stat()).size);
  log.final ||= await exists(`${path}.final`);
}

async function openLog(path: string, usedMs: number): Promise<OpenLog> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const file = await openFile(path, (await exists(path)) ? "r+" : "w+", 0o600);
  return {
    file,
    size: (await file.stat()).size,
    final: await exists(`${path}.final`),
    lastAppend: Promise.resolve(),
    waiters: new Set(),
    usedMs,
  };
}

async function closeOldest(logs: Map<string, OpenLog>): Promise<void> {
  if (logs.size <= MAX_OPEN) return;
  const idle = [...logs].filter(([, log]) => log.waiters.size === 0).toSorted(([, a], [, b]) => a.usedMs - b.usedMs);
  for (const [path, log] of idle.slice(0, logs.size - MAX_OPEN)) {
    logs.delete(path);
    await log.lastAppend;
    await log.file.close();
  }
}
