// The task-agent's log store in memory, with the rules of the real one. Its contents survive the process.

import { crc32 } from "node:zlib";
import { GantryError } from "@gantry/core/errors.ts";
import type { LogStore } from "@gantry/task-agent/logs/log-store.ts";

/** `task/job/attempt/step` → bytes. */
export type StoredLogs = Map<string, { bytes: Buffer; final: boolean }>;

export function memoryLogs(stored: StoredLogs): LogStore {
  return {
    append: async ({ task, job, attempt, step }, offset, bytes, crc, final) => {
      if (crc32(bytes) !== crc) throw new GantryError("bad-request", { problem: "the checksum is wrong" });
      const name = `${task}/${job}/${attempt}/${step}`;
      const log = stored.get(name) ?? { bytes: Buffer.alloc(0), final: false };
      stored.set(name, log);
      const size = log.bytes.length;
      if (offset > size) throw new GantryError("log-rewind", { ack: size, offset });
      const overlap = Math.min(bytes.length, size - offset);
      if (!log.bytes.subarray(offset, offset + overlap).equals(bytes.subarray(0, overlap)))
        throw new GantryError("log-differs");
      const fresh = bytes.subarray(overlap);
      if (fresh.length > 0 && log.final) throw new GantryError("log-differs");
      log.bytes = Buffer.concat([log.bytes, fresh]);
      log.final ||= final;
      return log.bytes.length;
    },
    read: async () => ({ bytes: Buffer.alloc(0), size: 0, final: false }),
    close: async () => {},
  };
}
