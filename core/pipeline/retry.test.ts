import assert from "node:assert/strict";
import { test } from "node:test";
import { OUTCOMES } from "../task/states.ts";
import { decideRetry, type End, type Retry, spreadOf } from "./retry.ts";

const TWICE: Retry = { max: 2, delayMs: 1_000 };

const table: readonly (readonly [what: string, retry: Retry, end: End, tries: number, delayMs: number | undefined])[] =
  [
    ["an error, by default", TWICE, { outcome: "errored" }, 1, 1_000],
    ["a time limit, by default", TWICE, { outcome: "timed-out" }, 2, 1_000],
    ["one attempt too many", TWICE, { outcome: "errored" }, 3, undefined],
    ["a script that exits 1, by default", TWICE, { outcome: "failed", exitCode: 1 }, 1, undefined],
    ["a script that exits 1, on failed", { ...TWICE, on: ["failed"] }, { outcome: "failed", exitCode: 1 }, 1, 1_000],
    ["a red gate, on failed", { ...TWICE, on: ["failed"] }, { outcome: "failed" }, 1, 1_000],
    ["an error, on failed only", { ...TWICE, on: ["failed"] }, { outcome: "errored" }, 1, undefined],
    ["a listed code", { ...TWICE, on: ["failed"], exitCodes: [75] }, { outcome: "failed", exitCode: 75 }, 1, 1_000],
    ["another code", { ...TWICE, on: ["failed"], exitCodes: [75] }, { outcome: "failed", exitCode: 1 }, 1, undefined],
    ["no code but a list", { ...TWICE, on: ["failed"], exitCodes: [75] }, { outcome: "failed" }, 1, undefined],
    [
      "an error with a list",
      { ...TWICE, on: ["failed", "errored"], exitCodes: [75] },
      { outcome: "errored" },
      1,
      1_000,
    ],
    ["a listed error", { ...TWICE, errors: ["conflict"] }, { outcome: "errored", code: "conflict" }, 1, 1_000],
    ["another error", { ...TWICE, errors: ["conflict"] }, { outcome: "errored", code: "bad-input" }, 1, undefined],
    ["no error code but a list", { ...TWICE, errors: ["conflict"] }, { outcome: "errored" }, 1, undefined],
    ["a time limit with a list of errors", { ...TWICE, errors: ["conflict"] }, { outcome: "timed-out" }, 1, 1_000],
    ["no retry", { max: 0, delayMs: 1_000, on: ["failed"] }, { outcome: "failed" }, 1, undefined],
  ];
for (const [what, retry, end, tries, delayMs] of table)
  test(`${what}: ${delayMs === undefined ? "no further attempt" : "another attempt"}`, () =>
    assert.equal(decideRetry(retry, end, tries, 0.5), delayMs));

test("success, cancel and skip are never tried again", () => {
  for (const outcome of OUTCOMES)
    if (!["failed", "errored", "timed-out"].includes(outcome))
      assert.equal(decideRetry({ ...TWICE, on: ["failed", "errored", "timed-out"] }, { outcome }, 1, 0), undefined);
});

test("exponential backoff doubles up to its limit, with jitter between half and all of it", () => {
  const retry: Retry = { max: 20, delayMs: 1_000, backoff: "exponential", maxDelayMs: 5_000 };
  const delays = (random: number) =>
    [1, 2, 3, 4, 20].map((tries) => decideRetry(retry, { outcome: "errored" }, tries, random));
  assert.deepEqual(delays(1), [1_000, 2_000, 4_000, 5_000, 5_000]);
  assert.deepEqual(delays(0), [500, 1_000, 2_000, 2_500, 2_500]);
});

test("the jitter of different tasks spreads out, and is the same for the same attempt", () => {
  const spread = Array.from({ length: 1_000 }, (_, at) => spreadOf(`t${at}/build/1`));
  assert.ok(spread.every((one) => one >= 0 && one <= 1));
  for (let tenth = 0; tenth < 10; tenth += 1)
    assert.ok(spread.filter((one) => Math.min(9, Math.floor(one * 10)) === tenth).length > 50);
  assert.equal(spreadOf("t1/build/1"), spreadOf("t1/build/1"));
});
