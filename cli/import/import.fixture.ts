// Imports files of other tools by the command.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { isJsonObject, type JsonValue } from "@gantry/core/json.ts";
import { runCommand } from "../portal.fixture.ts";

/** Runs `gantry import` on texts. `notes`: the lines that it writes about what it could not carry over, and of the linter. */
export async function importing(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), "gantry-of-import-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return {
    folder,
    run: async (format: string, text: string, ...flags: readonly string[]) => {
      const file = join(folder, "ci.yml");
      await writeFile(file, text);
      let out = "";
      let err = "";
      const { code } = await runCommand(["import", format, file, ...flags], {
        stdout: (one) => {
          out += one;
        },
        stderr: (one) => {
          err += one.replaceAll(folder, "");
        },
      });
      return { code, out, notes: err.split("\n").filter((line) => line !== "") };
    },
  };
}

/** A part of an imported pipeline. */
export const at = (value: JsonValue, ...path: readonly (string | number)[]): JsonValue =>
  path.reduce<JsonValue>((inside, key) => {
    if (Array.isArray(inside)) return (inside as readonly JsonValue[])[Number(key)] ?? null;
    return isJsonObject(inside) ? (inside[key] ?? null) : null;
  }, value);
