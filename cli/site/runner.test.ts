// `gantry runner` against a real portal and a real task-agent.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { GantryError } from "@gantry/core/errors.ts";
import { makeLogger } from "@gantry/runtime/process/logger.ts";
import { registrationOf } from "@gantry/wire/runner/registration.fixture.ts";
import { createIdentityClient, createRunnerClient } from "@gantry/wire/runner/runner-client.ts";
import { openPortal } from "../portal.fixture.ts";

const runnerToken = "runner-token-of-this-test";
const logger = makeLogger("test", "silent");
const portal = await openPortal({ agent: logger, portal: logger }, { [runnerToken]: "seoul" });
after(portal.close);
const run = (...argv: string[]) => portal.run("runner", ...argv);

function register(): Promise<unknown> {
  return createRunnerClient({ url: portal.agentUrl, token: () => runnerToken, fetch }).session(
    registrationOf("seoul-1", "seoul"),
  );
}

test("a removed runner is refused when it comes back, until it is readmitted", async () => {
  assert.equal((await run()).out, "No runner is registered.\n");
  await register();
  assert.match((await run()).out, /^seoul-1 +seoul +online +0\/\d+ +2\d{3}-/m);
  assert.deepEqual(await run("remove", "seoul-1"), {
    code: 0,
    out: "seoul-1 is out of service. `gantry runner readmit seoul-1` takes it back.\n",
  });
  assert.equal((await run()).out, "No runner is registered.\n");
  await assert.rejects(register(), { code: "unauthenticated" });
  assert.equal((await run("readmit", "seoul-1")).code, 0);
  await register();
  assert.match((await run("--json")).out, /"name": "seoul-1"/);
});

test("an unknown runner and wrong arguments are errors", async () => {
  await assert.rejects(run("remove", "seoul-9"), { code: "not-found" });
  for (const argv of [["remove"], ["list", "x"], ["burn", "x"], ["remove", "a", "b"]]) {
    const { code, out } = await run(...argv);
    assert.equal(code, 2);
    assert.match(out, /gantry runner/);
  }
});

const publicKey = "A".repeat(43);

test("enrol refuses a misspelled site and names the known ones; a new site needs --new-site", async () => {
  await assert.rejects(run("enrol", "soeul"), (error) => {
    assert.ok(error instanceof GantryError);
    assert.equal(error.code, "bad-request");
    assert.equal(
      error.details.problem,
      "there is no site soeul (did you mean seoul?); known sites: seoul. For the first runner of a new site, set newSite (`gantry runner enrol --new-site`)",
    );
    return true;
  });
  assert.match((await run("enrol", "busan", "--new-site")).out, /A token for one runner of site busan/);
  const { code, out } = await run("remove", "seoul-1", "--new-site");
  assert.deepEqual([code, out.split("\n")[0]], [2, "There is no flag --new-site"]);
});

test("enrol prints a token that enrols one runner", async () => {
  const { code, out } = await run("enrol", "seoul");
  assert.equal(code, 0);
  const oneTime = /^ {2}enrol: ([\w-]{43})$/m.exec(out)?.[1] ?? "";
  const client = createIdentityClient({ url: portal.agentUrl, fetch });
  const enrolled = { token: oneTime, runner: "seoul-1", publicKey };
  assert.deepEqual(await client.enrol(enrolled), { site: "seoul" });
  await assert.rejects(client.enrol({ ...enrolled, runner: "seoul-2" }), { code: "enrolment-invalid" });
  const json = JSON.parse((await run("enrol", "seoul", "--json")).out);
  assert.deepEqual(Object.keys(json), ["site", "token", "expiresAt", "command"]);
  const flags = `--name NAME --site seoul --agent ${portal.agentUrl} --data /var/lib/gantry/NAME`;
  assert.equal(json.command, `GANTRY_TASK_RUNNER_ENROL=${json.token} node task-runner/main.ts ${flags}`);
});

test("enrol with a name, and renew-key, print a token for this runner alone", async () => {
  const client = createIdentityClient({ url: portal.agentUrl, fetch });
  const named = /^ {2}enrol: ([\w-]{43})$/m.exec((await run("enrol", "seoul", "seoul-3")).out)?.[1] ?? "";
  await assert.rejects(client.enrol({ token: named, runner: "seoul-4", publicKey }), { code: "enrolment-invalid" });
  await client.enrol({ token: named, runner: "seoul-3", publicKey });
  const { code, out } = await run("renew-key", "seoul-3");
  assert.equal(code, 0);
  assert.match(
    out,
    /^The key before is invalid now, at every task-agent\.\nA token for runner seoul-3 of site seoul, until /,
  );
  const renewed = JSON.parse((await run("renew-key", "seoul-3", "--json")).out);
  assert.deepEqual(Object.keys(renewed), ["site", "runner", "token", "expiresAt", "command"]);
  await assert.rejects(run("renew-key", "seoul-9"), { code: "not-found" });
});

test("the token is not sent to another machine by plain http, unless a flag says so", async () => {
  await assert.rejects(run("--portal", "http://portal.example"), (error) => {
    assert.match(
      String((error as { details?: { problem?: string } }).details?.problem),
      /plain HTTP.*--allow-plain-http/,
    );
    return true;
  });
  await assert.rejects(run("--portal", "http://portal.invalid", "--allow-plain-http"), { code: "unavailable" });
});
