import assert from "node:assert/strict";
import { test } from "node:test";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import { pollReply } from "@gantry/wire/runner/protocol.ts";
import { openLiveSettings } from "./live-settings.ts";

test("settings of an operator apply from the next answer on; an absent setting falls back to the configuration", () => {
  const logger: Logger = { debug() {}, info() {}, warn() {}, error() {}, level: "warn" };
  const live = openLiveSettings({ drainSeconds: 600 }, logger);
  assert.deepEqual([live.pollMs(), live.drainMs(), logger.level], [25_000, 600_000, "warn"]);
  live.apply({ logLevel: "debug", pollMs: 5_000, drainMs: 30_000 });
  assert.deepEqual([live.pollMs(), live.drainMs(), logger.level], [5_000, 30_000, "debug"]);
  live.apply({ pollMs: 5_000 });
  assert.deepEqual([live.pollMs(), live.drainMs(), logger.level], [5_000, 600_000, "warn"]);
  live.apply(undefined);
  assert.equal(live.pollMs(), 25_000);
});

test("a setting that this runner does not understand counts as not set, and the answer is still valid", () => {
  const answer = { offers: [], cancels: [], settings: { logLevel: "trace", pollMs: 900_000, drainMs: 5, mood: 1 } };
  assert.deepEqual(pollReply.parse(answer).settings, { logLevel: undefined, pollMs: undefined, drainMs: 5 });
});
