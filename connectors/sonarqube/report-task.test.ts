import assert from "node:assert/strict";
import { test } from "node:test";
import { GantryError } from "@gantry/core/errors.ts";
import fc from "fast-check";
import { parseReportTask } from "./report-task.ts";

const GOOD = `projectKey=orders
serverUrl=https://sonar.example/base
dashboardUrl=https://sonar.example/base/dashboard?id=orders&a=b
ceTaskId=AU-Tpxb--iU5OvuD2FLy
ceTaskUrl=https://sonar.example/base/api/ce/task?id=AU-Tpxb--iU5OvuD2FLy
`;

test("reads what the scanner writes, with = in values and either line end", () => {
  const expected = { projectKey: "orders", ceTaskId: "AU-Tpxb--iU5OvuD2FLy" };
  assert.deepEqual(parseReportTask(GOOD), expected);
  assert.deepEqual(parseReportTask(GOOD.replaceAll("\n", "\r\n")), expected);
});

test("refuses everything else, and never crashes", () => {
  for (const text of ["", "hello", "=x", "projectKey=orders", GOOD.replace("AU-", "../"), `${GOOD}half a line\n`]) {
    assert.throws(() => parseReportTask(text), GantryError, text);
  }
  fc.assert(
    fc.property(fc.string(), (text) => {
      try {
        parseReportTask(text);
      } catch (error) {
        assert.ok(error instanceof GantryError);
      }
    }),
  );
});
