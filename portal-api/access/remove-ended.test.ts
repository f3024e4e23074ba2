// What nobody can use any more leaves the journal: it would grow for ever, and a copy of it would tell who was where.

import assert from "node:assert/strict";
import { test } from "node:test";
import { openMemoryJournal } from "@gantry/journal/memory/memory.ts";
import { SteppedClock } from "@gantry/runtime/stepped-clock.fixture.ts";
import { parseConfig } from "../config.ts";
import { makePasswords } from "../people/passwords.ts";
import { openAccess } from "./open-access.ts";
import { hashOf, INDEXES } from "./records.ts";
import { removeEnded } from "./remove-ended.ts";

const DAY_MS = 86_400_000;

test("ended sessions, used links and expired tokens are removed, and what is still valid stays", async () => {
  const clock = new SteppedClock();
  const journal = openMemoryJournal({ indexes: INDEXES, clock });
  const config = parseConfig({ dataDir: "/none", agent: { url: "http://127.0.0.1:1", token: "0".repeat(16) } });
  const { tokens, sessions } = openAccess(config, { journal, clock, passwords: makePasswords() });
  const ada = { name: "ada", role: "viewer" } as const;
  const has = async (stream: string): Promise<boolean> => (await journal.load(stream)) !== undefined;

  const { code } = await sessions.createCode(ada);
  const fromLink = await sessions.redeem(code, { signIn: "link" });
  const other = await sessions.open(ada, { signIn: "token" });
  await sessions.end(hashOf(other));
  const gone = [`link/${hashOf(code)}`, `session/${hashOf(fromLink ?? "")}`, `session/${hashOf(other)}`];
  const create = (name: string, days: number) => tokens.create({ name, role: "viewer", days }, "ada");
  await create("short", 2);
  await create("long", 90);
  await create("revoked", 90);
  await tokens.revoke("revoked", "ada");

  assert.equal(await removeEnded(journal), 0);
  for (const stream of gone) assert.ok(await has(stream), stream);
  clock.jumpWall(2 * DAY_MS);
  const fresh = await sessions.open(ada, { signIn: "token" });
  // Three grants and the revoked token.
  assert.equal(await removeEnded(journal), 4);
  for (const stream of [...gone, "token/revoked"]) assert.ok(!(await has(stream)), stream);
  assert.equal((await sessions.identify(fresh))?.name, "ada");
  assert.ok(await has("token/short"), "it expired less than a day ago");
  clock.jumpWall(2 * DAY_MS);
  // The token and the session that have expired meanwhile.
  assert.equal(await removeEnded(journal), 2);
  assert.deepEqual(
    (await tokens.list()).map(({ name }) => name),
    ["long"],
  );
});
