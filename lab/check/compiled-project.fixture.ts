// A small project that the compiler of `npm run check` checks, for tests.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { compile } from "./compile.ts";

const OPTIONS = { strict: true, noEmit: true, erasableSyntaxOnly: true, verbatimModuleSyntax: true, types: [] };
export const CONFIG = { compilerOptions: { ...OPTIONS, module: "nodenext", lib: ["es5"] } };

type Files = { readonly [name: string]: string };

/**
 * A project of these files. `write` adds and changes files; `mistakes` compiles again. `damage` replaces what the compiler
 * found before; `pretend` does it so that nobody can see it.
 */
export function openCompiledProject(t: TestContext, files: Files) {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "gantry-types-")));
  t.after(() => rmSync(folder, { recursive: true }));
  const write = (more: Files): void => {
    for (const [name, text] of Object.entries(more)) writeFileSync(join(folder, name), text);
  };
  write({ "package.json": '{"type":"module"}', "tsconfig.json": JSON.stringify(CONFIG), ...files });
  const found = join(folder, "cache/types.tsbuildinfo");
  return {
    write,
    remove: (name: string) => rmSync(join(folder, name)),
    found: () => readFileSync(found, "utf8"),
    damage: (text: string) => writeFileSync(found, text),
    pretend: (text: string) => {
      writeFileSync(found, text);
      write({ "cache/types.sha256": createHash("sha256").update(text).digest("hex") });
    },
    mistakes: () => {
      const { hasPassed, output } = compile(folder, join(folder, "cache"));
      const lines = output.split("\n").filter((line) => line.includes("error TS"));
      assert.equal(hasPassed, lines.length === 0, output);
      return lines.map((line) => line.slice(0, line.indexOf(":", line.indexOf("error TS")))).toSorted();
    },
  };
}
