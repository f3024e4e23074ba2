import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { GantryError } from "../errors.ts";
import type { JsonObject } from "../json.ts";
import { decideSettings, readSettings, SETTING_KEYS, SETTINGS } from "./settings.ts";

function refusal(changes: JsonObject, version = 3): readonly string[] {
  const decided = decideSettings({}, 3, { version, changes });
  assert.ok(decided instanceof GantryError);
  return [decided.code, ...decided.problems.map(({ detail }) => detail)];
}

test("a change says what was there before; what is so already is no change", () => {
  const kept = { "log.taskAgent": "info", "notify.paused": true };
  const changes = { "log.taskAgent": "debug", "notify.paused": true, "dispatch.pausedSites": ["seoul"] };
  assert.deepEqual(decideSettings(kept, 3, { version: 3, changes }), {
    changes: [
      { key: "log.taskAgent", from: "info", to: "debug" },
      { key: "dispatch.pausedSites", from: null, to: ["seoul"] },
    ],
    kept: { "log.taskAgent": "debug", "notify.paused": true, "dispatch.pausedSites": ["seoul"] },
  });
  assert.deepEqual(decideSettings(kept, 3, { version: 3, changes: { "notify.paused": null } }), {
    changes: [{ key: "notify.paused", from: true, to: null }],
    kept: { "log.taskAgent": "info" },
  });
});

test("wrong values are reported with the allowed ones, wrong keys with the nearest one, all at once", () => {
  assert.deepEqual(refusal({ "runners.pollSeconds": 90, "log.taskRuner": "debug", "log.portalApi": "loud" }), [
    "bad-request",
    "runners.pollSeconds must be a whole number from 1 to 25, or null to take it back",
    "there is no setting log.taskRuner (did you mean log.taskRunner?)",
    "log.portalApi must be one of debug, info, warn, error, silent, or null to take it back",
  ]);
  assert.deepEqual(refusal({ "notify.paused": true }, 2), ["version-differs"]);
});

test("what a newer version has set stays, and does not disturb", () => {
  const kept = { "tasks.colour": "green", "runners.pollSeconds": 900, "log.taskAgent": "warn" };
  assert.deepEqual(readSettings(kept), { "log.taskAgent": "warn" });
  const decided = decideSettings(kept, 1, { version: 1, changes: { "log.taskAgent": null } });
  assert.ok(!(decided instanceof GantryError));
  assert.deepEqual(decided.kept, { "tasks.colour": "green", "runners.pollSeconds": 900 });
});

test("property: an accepted value is read back as it was set", () => {
  const value = fc.oneof(fc.integer(), fc.boolean(), fc.constantFrom("debug", "loud"), fc.array(fc.string()));
  const change = fc.dictionary(fc.constantFrom(...SETTING_KEYS), value, { maxKeys: 4 });
  fc.assert(
    fc.property(change, (changes) => {
      const decided = decideSettings({}, 0, { version: 0, changes });
      if (decided instanceof GantryError) assert.equal(decided.code, "bad-request");
      else assert.deepEqual(readSettings(decided.kept), { ...changes });
    }),
  );
  for (const key of SETTING_KEYS) assert.ok(SETTINGS[key].processes.length > 0);
});
