// The disk of a simulated runner. Written bytes survive the process; synced bytes also survive a power cut, others may be
// lost in part. It can be slow, full or broken.

import type { Files, OpenFile } from "@gantry/task-runner/state/files.ts";
import type { Process } from "./process.ts";
import type { Random } from "./random.ts";

export type DiskFaultProfile = { slow: number; full: boolean; broken: number };
export const NO_DISK_FAULTS: Readonly<DiskFaultProfile> = { slow: 0, full: false, broken: 0 };

type Content = { bytes: Buffer; length: number; synced: number; torn?: boolean };

export type Disk = {
  readonly faultProfile: DiskFaultProfile;
  readonly filesFor: (process: Process) => Files;
  readonly losePower: () => void;
  readonly text: (path: string) => string;
  /** What a power cut would leave of a file. */
  readonly syncedText: (path: string) => string;
};

/** `onRemoved` is called for every file that is removed. */
export function createDisk(random: Random, onRemoved: (path: string, bytes: Buffer, torn: boolean) => void): Disk {
  const contents = new Map<string, Content>();
  const folders = new Set<string>();
  const faultProfile: DiskFaultProfile = { ...NO_DISK_FAULTS };
  let holder: Process | undefined;

  const filesFor = (process: Process): Files => {
    /** Runs `act` now or later; never when the process is dead. */
    const later = <T>(act: () => T, syncs = false): Promise<T> => {
      if (!process.isAlive()) return new Promise(() => {});
      const slow = random.chance(faultProfile.slow);
      if (!slow && !syncs) return new Promise((resolve) => resolve(act()));
      return new Promise((resolve, reject) => {
        process.deliverIn(slow ? random.between(100, 30_000) : random.between(0.1, 3), () => {
          try {
            resolve(act());
          } catch (error) {
            reject(error);
          }
        });
      });
    };
    const contentOf = (path: string): Content => {
      const known = contents.get(path);
      if (!known) throw problem("ENOENT", path);
      return known;
    };
    const opened = (path: string, content: Content): OpenFile => ({
      write: (bytes) =>
        later(() => {
          if (faultProfile.full) throw problem("ENOSPC", path);
          if (random.chance(faultProfile.broken)) throw problem("EIO", path);
          const part = random.chance(0.05) ? bytes.subarray(0, Math.max(1, bytes.length >> 1)) : bytes;
          append(content, part);
          return part.length;
        }),
      read: (offset, length) =>
        later(() => new Uint8Array(content.bytes.subarray(offset, Math.min(offset + length, content.length)))),
      sync: () =>
        later(() => {
          if (random.chance(faultProfile.broken)) throw problem("EIO", path);
          content.synced = content.length;
        }, true),
      close: async () => {},
    });
    return {
      open: (path, how) =>
        later(() => {
          const known = contents.get(path);
          if (how === "new" && known) throw problem("EEXIST", path);
          if (how === "read" && !known) throw problem("ENOENT", path);
          const content = known && how !== "empty" ? known : { bytes: Buffer.alloc(256), length: 0, synced: 0 };
          contents.set(path, content);
          return opened(path, content);
        }),
      readText: (path) => later(() => textOf(contents.get(path))),
      size: (path) => later(() => contentOf(path).length),
      replace: (from, to) =>
        later(() => {
          contents.set(to, contentOf(from));
          contents.delete(from);
        }, true),
      makeFolder: (path) => later(() => void folders.add(path)),
      remove: (path) =>
        later(() => {
          const isBelow = (one: string): boolean => one === path || one.startsWith(`${path}/`);
          for (const [one, { bytes, length, torn = false }] of contents)
            if (isBelow(one)) onRemoved(one, bytes.subarray(0, length), torn);
          for (const set of [contents, folders]) for (const one of [...set.keys()]) if (isBelow(one)) set.delete(one);
        }),
      list: (folder) =>
        later(() => {
          const below = [...contents.keys(), ...folders].filter((path) => path.startsWith(`${folder}/`));
          return [...new Set(below.map((path) => path.slice(folder.length + 1).split("/")[0] ?? ""))];
        }),
      lock: (path) => {
        if (holder?.isAlive() && holder !== process) throw problem("EBUSY", path);
        holder = process;
        return () => {
          holder = undefined;
        };
      },
    };
  };

  return {
    faultProfile,
    filesFor,
    text: (path) => textOf(contents.get(path)) ?? "",
    syncedText: (path) => {
      const { bytes, synced } = contents.get(path) ?? { bytes: Buffer.alloc(0), synced: 0 };
      return bytes.subarray(0, synced).toString("utf8");
    },
    losePower: () => {
      for (const content of contents.values()) {
        content.torn ||= content.synced < content.length;
        content.length = random.int(content.synced, content.length);
        content.synced = content.length;
      }
    },
  };
}

function append(content: Content, bytes: Uint8Array): void {
  const needed = content.length + bytes.length;
  if (needed > content.bytes.length) {
    const larger = Buffer.alloc(Math.max(needed, content.bytes.length * 2));
    content.bytes.copy(larger, 0, 0, content.length);
    content.bytes = larger;
  }
  content.bytes.set(bytes, content.length);
  content.length = needed;
}

function textOf(content: Content | undefined): string | undefined {
  return content?.bytes.subarray(0, content.length).toString("utf8");
}

function problem(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}
