import assert from "node:assert/strict";
import { test } from "node:test";
import { type ErrorCode, GantryError } from "@gantry/core/errors.ts";
import type { JsonObject, JsonValue } from "@gantry/core/json.ts";
import { type StepOutcome, succeeded, waiting } from "@gantry/core/step/outcome.ts";
import { outlastRestart } from "./outlast.ts";

type Answer = "pending" | "done" | readonly [ErrorCode, JsonObject?];

const REFUSED = ["system-unavailable"] as const;
const NOT_FOUND = ["system-refused", { status: 404 }] as const;
const UNAUTHORIZED = ["credential-refused", { status: 401 }] as const;
const FORBIDDEN = ["system-forbidden", { status: 403 }] as const;
const BAD_GATEWAY = ["system-unavailable", { status: 502 }] as const;
const PAGE = ["system-strange", { status: 404 }] as const;
/** A proxy that starts has a certificate of its own until it has read its configuration. */
const CERTIFICATE = ["certificate-untrusted"] as const;

/** Plays the runner: one look per second of simulated time, each with the next answer; the last one repeats. */
async function play(
  answers: readonly Answer[],
  limitS = 1_200,
): Promise<{ end: StepOutcome | GantryError; atS: number }> {
  let memo: JsonValue | undefined;
  for (let atS = 0; atS < limitS; atS++) {
    const answer = answers[Math.min(atS, answers.length - 1)] ?? "done";
    const look = async (inner: JsonValue | undefined): Promise<StepOutcome> => {
      if (answer === "done") return succeeded({ looks: inner ?? 0 });
      if (answer === "pending") return waiting("pending", 1_000, Number(inner ?? 0) + 1);
      throw new GantryError(answer[0], { system: "sonar", what: "look", problem: "p", ...answer[1] });
    };
    try {
      const outcome = await outlastRestart({ memo, nowMs: () => atS * 1_000 }, look);
      if (outcome.kind !== "waiting") return { end: outcome, atS };
      memo = JSON.parse(JSON.stringify(outcome.memo)) as JsonValue;
    } catch (error) {
      assert.ok(error instanceof GantryError);
      return { end: error, atS };
    }
  }
  return assert.fail("it waited for ever");
}

const many = (answer: Answer, times: number): Answer[] => Array.from({ length: times }, () => answer);

/** What systems were seen to answer while they restart, and the same with the first look inside of the restart. */
const RESTARTS: readonly (readonly [string, readonly Answer[]])[] = [
  ["refused, 404, 401", ["pending", ...many(REFUSED, 22), ...many(NOT_FOUND, 5), UNAUTHORIZED, "pending", "done"]],
  ["refused for five minutes", ["pending", ...many(REFUSED, 300), "done"]],
  ["503 for nine minutes", ["pending", ...many(BAD_GATEWAY, 540), "done"]],
  ["401 for a minute", ["pending", ...many(UNAUTHORIZED, 60), "done"]],
  ["403 for a minute", ["pending", ...many(FORBIDDEN, 60), "done"]],
  ["404 for a minute", ["pending", ...many(NOT_FOUND, 60), "done"]],
  ["a web page of the proxy", ["pending", ...many(PAGE, 30), "done"]],
  ["two restarts", ["pending", ...many(REFUSED, 500), "pending", ...many(REFUSED, 500), "done"]],
  ["down at the first look", [...many(REFUSED, 22), ...many(NOT_FOUND, 60), ...many(UNAUTHORIZED, 20), "done"]],
  ["starting at the first look", [...many(UNAUTHORIZED, 5), "pending", "done"]],
  ["another certificate for a minute", ["pending", ...many(CERTIFICATE, 60), "done"]],
  ["404 at the first look, then down", [NOT_FOUND, ...many(REFUSED, 60), ...many(UNAUTHORIZED, 60), "done"]],
];

for (const [name, answers] of RESTARTS) {
  test(`a restart is outlasted: ${name}`, async () => {
    const { end } = await play(answers);
    assert.ok(!(end instanceof GantryError), String(end));
    const looks = answers.filter((one) => one === "pending").length;
    assert.deepEqual(end, { kind: "succeeded", output: { looks } }, "the step's own memo survives the outage");
  });
}

test("a wrong token, a missing right and a wrong address are reported within seconds", async () => {
  for (const answer of [UNAUTHORIZED, FORBIDDEN, NOT_FOUND, PAGE]) {
    const { end, atS } = await play([answer]);
    assert.ok(end instanceof GantryError && end.code === answer[0]);
    assert.equal(atS, 10);
  }
});

test("an outage that does not end is reported after ten minutes, and other errors at once", async () => {
  const down = await play(["pending", REFUSED]);
  assert.ok(down.end instanceof GantryError && down.end.code === "system-unavailable");
  assert.equal(down.atS, 601);
  for (const code of ["system-refused", "bad-input", "gate-failed"] as const) {
    const { end, atS } = await play(["pending", [code]]);
    assert.ok(end instanceof GantryError && end.code === code && atS === 1, code);
  }
});

test("a certificate that was never trusted is reported at once, and one that stays wrong after ten minutes", async () => {
  for (const before of [[], [REFUSED]]) {
    const { end, atS } = await play([...before, CERTIFICATE]);
    assert.ok(end instanceof GantryError && end.code === "certificate-untrusted");
    assert.equal(atS, before.length);
  }
  const { end, atS } = await play(["pending", CERTIFICATE]);
  assert.ok(end instanceof GantryError && end.code === "certificate-untrusted");
  assert.equal(atS, 601);
});
