// The files that the step `definitions/publish` has handed over. Its format: connectors/definitions/steps.ts.

import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import type { DefinitionFiles } from "@gantry/core/definitions/check-set.ts";
import { z } from "zod";

/** Packed, a megabyte may be a few hundred bytes; unpacked it must fit into memory. */
const MAX_BYTES = 16 * 1_048_576;

const content = z.record(z.string().max(500), z.string());

/** The files, or why it is no such bundle. */
export async function unpack(
  bundle: unknown,
): Promise<{ readonly files: DefinitionFiles } | { readonly problem: string }> {
  if (typeof bundle !== "string") return { problem: "its task has handed over nothing" };
  try {
    const text = await promisify(gunzip)(Buffer.from(bundle, "base64"), { maxOutputLength: MAX_BYTES });
    const read = content.safeParse(JSON.parse(text.toString("utf8")));
    return read.success
      ? { files: new Map(Object.entries(read.data)) }
      : { problem: "its files are not texts by path" };
  } catch (error) {
    // What a runner has sent: nothing here is known to be well-formed.
    return { problem: `its files cannot be unpacked: ${error instanceof Error ? error.message : String(error)}` };
  }
}
