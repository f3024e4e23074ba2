// `gantry can` against a real portal and a real task-agent.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { makeLogger } from "@gantry/runtime/process/logger.ts";
import { openPortal } from "./portal.fixture.ts";

const logger = makeLogger("test", "silent");
const policy = `
teams: { payments: [orders] }
bindings:
  - { role: developer, groups: ["corp:team-payments"], apps: ["team:payments"] }
deny:
  - { verbs: [run-cd], people: ["corp:eve"], reason: On leave. }
`;
const portal = await openPortal({ agent: logger, portal: logger }, {}, policy);
after(portal.close);

const run = (...argv: string[]) => portal.run("can", ...argv);

test("gantry can says yes or no and why", async () => {
  assert.deepEqual(await run("run-cd", "orders"), { code: 0, out: "yes: admin. The role admin allows it.\n" });
  const ada = ["--as", "corp:ada", "--groups", "team-payments"];
  assert.deepEqual(await run("run-cd", "orders", ...ada), {
    code: 0,
    out: "yes: corp:ada (groups: team-payments). The policy gives the role developer on apps team:payments.\n",
  });
  assert.deepEqual(await run("run-cd", "shop", ...ada), {
    code: 1,
    out: "no: corp:ada (groups: team-payments). No role gives corp:ada the verb run-cd here. Needs the role developer on this app: ask an administrator.\n",
  });
  assert.deepEqual(await run("run-cd", "orders", "--as", "corp:kim"), {
    code: 1,
    out: "no: corp:kim. No role gives corp:kim the verb run-cd here. Needs the role developer on this app: ask corp:team-payments.\n",
  });
  const eve = await run("run-cd", "orders", "--as", "corp:eve", "--groups", "team-payments");
  assert.match(
    eve.out,
    /^no: .*A rule of the policy denies it: On leave\. Ask somebody who may do it: corp:team-payments\.$/m,
  );
});

test("gantry can prints JSON, lists the verbs and explains a mistake", async () => {
  const json = JSON.parse((await run("manage-tokens", "--json")).out) as { allowed: boolean };
  assert.equal(json.allowed, true);
  assert.match((await run("verbs")).out, /^run-cd +run CD \(on app\)$/m);
  const wrong = await run("run-dc", "orders");
  assert.equal(wrong.code, 2);
  assert.match(wrong.out, /There is no verb run-dc \(did you mean run-cd\?\)/);
});
