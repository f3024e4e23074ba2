import assert from "node:assert/strict";
import { test } from "node:test";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import { pollReply } from "@gantry/wire/runner/protocol.ts";
import { openLive } from "./live-settings.ts";

test("what an operator sets counts from the next answer on; what is not said any more is as it was configured", () => {
  const logger: Logger = { debug() {}, info() {}, warn() {}, error() {}, level: "warn" };
  const live = openLive({ drainSeconds: 600 }, logger);
  assert.deepEqual([live.pollMs(), live.drainMs(), logger.level], [25_000, 600_000, "warn"]);
  live.take({ logLevel: "debug", pollMs: 5_000, drainMs: 30_000 });
  assert.deepEqual([live.pollMs(), live.drainMs(), logger.level], [5_000, 30_000, "debug"]);
  live.take({ pollMs: 5_000 });
  assert.deepEqual([live.pollMs(), live.drainMs(), logger.level], [5_000, 600_000, "warn"]);
  live.take(undefined);
  assert.equal(live.pollMs(), 25_000);
});

test("a setting that this runner does not understand counts as not set, and the answer is good all the same", () => {
  const answer = { offers: [], cancels: [], settings: { logLevel: "trace", pollMs: 900_000, drainMs: 5, mood: 1 } };
  assert.deepEqual(pollReply.parse(answer).settings, { logLevel: undefined, pollMs: undefined, drainMs: 5 });
});
