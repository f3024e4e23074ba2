// Sessions in the journal: which ones an issuer can end.

import assert from "node:assert/strict";
import { test } from "node:test";
import { openMemoryJournal } from "@gantry/journal/memory/memory.ts";
import { systemClock } from "@gantry/runtime/clock.ts";
import { makeAccessChanges } from "./changes.ts";
import { INDEXES } from "./records.ts";
import { makeSessions } from "./sessions.ts";

test("an issuer finds the sessions of a person beside hundreds of expired ones and of people with similar ids", async () => {
  let nowMs = Date.now();
  const journal = openMemoryJournal({ indexes: INDEXES, clock: { ...systemClock, nowMs: () => nowMs } });
  const sessions = makeSessions({
    journal,
    tokens: { callerOf: async () => undefined } as never,
    people: { rightsOf: async (name) => ({ rights: { name, role: "viewer", groups: [] }, record: {} as never }) },
    changes: makeAccessChanges(),
    hours: 12,
  });
  const signIn = (subject: string): Promise<string> =>
    sessions.open(
      { name: `seoul:${subject}`, role: "viewer", person: true },
      { signIn: "sso", sso: () => ({ issuer: "seoul", subject }) },
    );
  for (let n = 0; n < 210; n += 1) await signIn("12");
  nowMs += 13 * 3_600_000;
  for (let n = 0; n < 210; n += 1) await signIn(`12${n}`);
  const secrets = [await signIn("12"), await signIn("12")];
  const found = await sessions.listOfSso("seoul sub 12");
  assert.deepEqual(
    found.map(({ record }) => record.name),
    ["seoul:12", "seoul:12"],
  );
  await Promise.all(found.map(({ hash }) => sessions.end(hash)));
  for (const secret of secrets) assert.equal(await sessions.identify(secret), undefined);
  assert.deepEqual(await sessions.listOfSso("seoul sub 12"), []);
});
