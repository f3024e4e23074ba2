import assert from "node:assert/strict";
import { test } from "node:test";
import { GantryError } from "@gantry/core/errors.ts";
import type { RunnerClient } from "@gantry/wire/runner/runner-client.ts";
import { createLink } from "./agent-link.ts";
import { createSession } from "./session.ts";

const NEVER = new AbortController().signal;
const silent = (): void => {};
const refusals = { watch: <T>(call: Promise<T>): Promise<T> => call };

test("after a long outage of the task-agent, a runner is back within 5 s of its restart", async () => {
  const waits: number[] = [];
  const deps = {
    clock: {
      nowMs: () => 0,
      monotonicMs: () => 0,
      after: (ms: number, run: () => void) => {
        waits.push(ms);
        queueMicrotask(run);
        return silent;
      },
    },
    random: () => 1,
    logger: { debug: silent, info: silent, warn: silent, error: silent },
  };
  let refused = 0;
  const failOften = async <T>(answer: T): Promise<T> => {
    refused += 1;
    if (refused % 12 !== 0) throw new GantryError("unavailable", { what: "the task-agent" });
    return answer;
  };
  const client = { session: () => failOften({ session: "s1", directives: [] }) } as unknown as RunnerClient;
  const session = createSession({
    client,
    deps,
    refusals,
    describe: () => ({}) as never,
    onDirectives: silent,
    onSuperseded: silent,
    signal: NEVER,
  });
  const link = createLink(client, session, refusals, deps);
  assert.equal(await link.call(() => failOften("answer"), { signal: NEVER }), "answer");
  assert.equal(refused, 24);
  assert.ok(Math.max(...waits) <= 5_000, `waits: ${waits.join(", ")}`);
});
