// The policy file: mistakes in it, and the one in the documentation.

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { readPolicy } from "@gantry/core/access/read-policy.ts";
import { ROLES } from "@gantry/core/access/roles.ts";
import { VERB_NAMES } from "@gantry/core/access/verbs.ts";
import { GantryError } from "@gantry/core/errors.ts";
import { startPortal } from "../main.ts";
import { startTestPortal } from "../portal.fixture.ts";

test("the portal does not start with a policy that has a mistake, and names file, line and field", async (t) => {
  const portal = await startTestPortal();
  t.after(() => portal.close());
  const policy = join(portal.dir, "wrong.yaml");
  await writeFile(policy, "bindings:\n  - { role: develper, people: [ada] }\n");
  const start = (file: string): Promise<unknown> =>
    startPortal({
      port: 0,
      dataDir: portal.dir,
      agent: { url: portal.agent.url, token: portal.agent.token },
      access: { policy: file },
    });
  const problem = async (file: string): Promise<string> => {
    const error: unknown = await start(file).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof GantryError);
    return String(error.details.problem);
  };
  assert.match(await problem(policy), /wrong\.yaml:2: bindings\.0: there is no role develper \(did you mean/);
  assert.match(await problem(`${policy}.missing`), /cannot be read/);
});

test("the policy of the documentation is valid, and its tables have every role and verb", async () => {
  const page = await readFile(new URL("../../docs/access.md", import.meta.url), "utf8");
  const [, policy = ""] = /```yaml\n([\s\S]*?)```/.exec(page) ?? [];
  assert.deepEqual(readPolicy(policy, "access.md").ok, true);
  for (const name of [...ROLES, ...VERB_NAMES]) assert.match(page, new RegExp(`\\| .*\`${name}\``), name);
});

test("a change of the policy file is in the audit log, also one that was made while the portal was down", async (t) => {
  const policy = (role: string): string => `bindings:\n  - { role: ${role}, people: [kim] }\n`;
  const first = await startTestPortal();
  t.after(() => first.close());
  const file = join(first.dir, "policy.yaml");
  const start = async (role: string): Promise<readonly string[]> => {
    await writeFile(file, policy(role));
    const portal = await startPortal({
      ...{ port: 0, dataDir: join(first.dir, "another"), logLevel: "silent", access: { policy: file } },
      agent: { url: first.agent.url, token: first.agent.token },
    });
    const headers = { authorization: `Bearer ${portal.adminToken}` };
    const answer = await fetch(`${portal.url}/v1/audit?verb=change%20the%20policy`, { headers });
    await portal.close();
    const { items } = (await answer.json()) as { items: { on: Record<string, string> }[] };
    return items.map(({ on }) => `${on.file === file} ${/"role":"(\w+)"/.exec(on.added ?? "")?.[1]}`);
  };
  assert.deepEqual(await start("viewer"), ["true viewer"]);
  assert.deepEqual(await start("viewer"), ["true viewer"]);
  assert.deepEqual(await start("admin"), ["true admin", "true viewer"]);
});
