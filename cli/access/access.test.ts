// `gantry people` and `gantry tokens` against a real portal.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { GantryError } from "@gantry/core/errors.ts";
import { makeLogger } from "@gantry/runtime/process/logger.ts";
import { openPortal } from "../portal.fixture.ts";

const logger = makeLogger("test", "silent");
const portal = await openPortal({ agent: logger, portal: logger });
after(portal.close);

test("an account is created, listed, reset, disabled, enabled and removed", async () => {
  const run = (...argv: string[]): ReturnType<typeof portal.run> => portal.run("people", ...argv);
  assert.equal((await run()).out, "Nobody has an account.\n");
  const { out } = await run("add", "dana", "--role", "developer", "--group", "web", "--display-name", "Dana Kim");
  const link = /^ {2}(http\S+)$/m.exec(out)?.[1] ?? "";
  assert.match(await (await fetch(link)).text(), /Your sign-in name is dana/);
  assert.match((await run()).out, /^dana +developer +invited +last sign-in never {2}web$/m);
  assert.match((await run("reset", "dana")).out, /\/sign-in\/activate\?code=/);
  assert.match(await (await fetch(link)).text(), /was replaced or has expired/);
  assert.match((await run("disable", "dana")).out, /is disabled/);
  assert.match((await run("--json")).out, /"state": "disabled"/);
  assert.match((await run("enable", "dana")).out, /may sign in again/);
  assert.equal((await run("sessions", "dana")).out, "dana has no sessions.\n");
  assert.match((await run("sign-out", "dana")).out, /have ended/);
  assert.equal((await run("remove", "dana")).out, "dana is removed.\n");
  await assert.rejects(run("reset", "dana"), { code: "not-found" });
  for (const argv of [["add"], ["burn", "x"], ["list", "x"], ["disable", "a", "--role", "admin"]]) {
    assert.equal((await run(...argv)).code, 2);
  }
});

test("a scope that could use nothing is refused with the verbs that are missing", async () => {
  const run = (...argv: string[]): ReturnType<typeof portal.run> => portal.run("tokens", "create", "ci", ...argv);
  await assert.rejects(run("--role", "developer", "--verb", "run-cd", "--app", "orders"), (error) => {
    assert.ok(error instanceof GantryError);
    assert.match(String(error.details.problem), /verbs must also have view and view-pipelines/);
    return true;
  });
  const verbs = ["run-cd", "view", "view-pipelines"].flatMap((verb) => ["--verb", verb]);
  assert.equal((await run("--role", "developer", ...verbs, "--app", "orders")).code, 0);
  await portal.run("tokens", "revoke", "ci");
});

test("a token is created with a scope, rotated with an overlap, and revoked", async () => {
  const run = (...argv: string[]): ReturnType<typeof portal.run> => portal.run("tokens", ...argv);
  const secretOf = (out: string): string => /^ {2}(gantry_pat_\S+)$/m.exec(out)?.[1] ?? "";
  const states = (...secrets: string[]): Promise<number[]> =>
    Promise.all(
      secrets.map(async (secret) => {
        const answer = await fetch(`${portal.url}/v1/me`, { headers: { authorization: `Bearer ${secret}` } });
        return answer.status;
      }),
    );
  const first = secretOf((await run("create", "nightly", "--role", "developer", "--days", "7", "--app", "orders")).out);
  assert.deepEqual(await states(first), [200]);
  assert.match((await run("--json")).out, /"name": "nightly"/);
  assert.match((await run()).out, /^nightly +developer +expires \S+ {2}last used 2/m);
  const rotated = await run("rotate", "nightly", "--overlap", "5");
  assert.match(rotated.out, /The secret before is valid until/);
  assert.deepEqual(await states(first, secretOf(rotated.out)), [200, 200]);
  const again = await run("rotate", "nightly", "--overlap", "0");
  assert.deepEqual(await states(first, secretOf(rotated.out), secretOf(again.out)), [401, 401, 200]);
  assert.equal((await run("revoke", "nightly")).out, "The token nightly is revoked.\n");
  assert.deepEqual(await states(secretOf(again.out)), [401]);
  for (const argv of [["create", "x"], ["create"], ["rotate", "x", "--role", "admin"]]) {
    assert.equal((await run(...argv)).code, 2);
  }
});
