// Log lines cannot be forged by what is in them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { makeLogger } from "./logger.ts";

test("a log line stays one line, and shows control characters and changes of direction as escapes", () => {
  const lines: string[] = [];
  const logger = makeLogger("test", "info", { write: (line) => void lines.push(line) });
  const actor = 'eve\n{"level":"info","actor":"admin"}\u001b[2J\u009b1m\u202edetautca\u2028\u200b\u007f';
  logger.info({ actor }, "request\r\nforged");
  assert.equal(lines.length, 1);
  const [line = ""] = lines;
  assert.match(line, /^[^\n]+\n$/);
  assert.doesNotMatch(line.slice(0, -1), /[\p{C}\p{Zl}\p{Zp}]/u);
  assert.equal((JSON.parse(line) as { actor: string }).actor, actor, "nothing is lost");
});
