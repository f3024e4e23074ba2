// The format of a backup: a gzipped tar whose last entry lists all others with their checksums. A truncated file has no
// list, so it cannot be mistaken for a complete one.

import { z } from "zod";

export const MANIFEST = "manifest.json";
export const BACKUP_VERSION = 1;

/** A path below the folder, without names that another operating system reads differently. */
const path = z
  .string()
  .max(1_000)
  .regex(/^[^/\\\0]+(\/[^/\\\0]+)*$/, "must be a relative path")
  .refine(
    (text) => text.split("/").every((part) => part !== "." && part !== ".."),
    "must be a path without `.` and `..`",
  );

export const manifestSchema = z.strictObject({
  version: z.literal(BACKUP_VERSION),
  createdAt: z.iso.datetime(),
  files: z.array(
    z.strictObject({
      path,
      /** A journal is also checked by SQLite. */
      kind: z.enum(["journal", "file"]),
      bytes: z.int().min(0),
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
    }),
  ),
});
export type Manifest = z.infer<typeof manifestSchema>;
export type BackupEntry = Manifest["files"][number];
