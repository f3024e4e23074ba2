// People who approve, at the command line and over HTTP, against a real portal, task-agent and runner.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { makeLogger } from "@gantry/runtime/process/logger.ts";
import { startRunner } from "@gantry/task-runner/main.ts";
import { runLine } from "../line/run-line.ts";
import { openPortal, runCommand } from "../portal.fixture.ts";

const RUNNER_TOKEN = "runner-token-of-seoul-0";
const DIGEST = `sha256:${"a".repeat(64)}`;
const DEFINITIONS = {
  "ci.yaml": `
name: ci
title: CI
jobs:
  make:
    site: seoul
    steps: [{ run: "true" }]
build:
  commit: c0ffee0000
  branch: main
  images:
    - { name: orders, repository: apps/orders, image: harbor/apps/orders, digest: "${DIGEST}" }
`,
  "cd.yaml": `
name: cd
title: CD
params:
  build: { type: string, default: "", ui: build }
  targets: { type: array, items: string, default: "\${{ app.targets.map(t, t.name) }}", ui: target }
jobs:
  deploy:
    each: \${{ params.targets }}
    site: seoul
    deploys: \${{ each }}
    steps: [{ run: "true", title: Deploy }]
`,
  "ask.yaml": `
name: ask
title: Ask
app: none
jobs:
  ship:
    site: seoul
    approval:
      question: Ship it to \${{ task.requestedBy }}?
      approvers: ["role:approver"]
      count: 2
      inputs: { percent: { type: integer, default: 10, maximum: 100 } }
    steps:
      - { run: 'echo "$PERCENT percent, said $BY"', env: { PERCENT: "\${{ approval.inputs.percent }}", BY: "\${{ approval.by }}" } }
    outputs: { percent: "\${{ approval.inputs.percent }}" }
  after:
    needs: ship
    site: seoul
    steps: [{ run: 'echo "shipped by $BY"', env: { BY: "\${{ jobs.ship.approval.by }}" } }]
`,
  "environments.yaml": `
environments:
  prod: { approval: {} }
  frozen:
    freezes: [{ from: "2020-01-01T00:00:00Z", to: "2999-01-01T00:00:00Z", reason: Audit, owner: lee }]
`,
};
const APPS = `apps:
  - name: orders
    title: Orders
    source: { system: bitbucket, project: SHOP, slug: orders, branch: main }
    build: { site: seoul }
    yaml: { system: bitbucket, project: SHOP, slug: deployments }
    targets:
      - { name: test, site: seoul, cluster: seoul-dp, overlay: orders/test }
      - { name: prod, site: seoul, cluster: seoul-dp, overlay: orders/prod, application: orders-prod, environment: prod }
      - { name: bank, site: seoul, cluster: bank-dp, overlay: orders/bank, application: orders-bank, environment: frozen }
`;

const logger = makeLogger("test", "silent");
const portal = await openPortal({ agent: logger, portal: logger }, { [RUNNER_TOKEN]: "seoul" }, undefined, DEFINITIONS);
const runner = await startRunner(
  {
    ...{ name: "seoul-1", site: "seoul", agent: portal.agentUrl, token: RUNNER_TOKEN },
    ...{ data: join(portal.folder, "runner"), isolation: "none", path: process.env.PATH },
    systems: {
      bitbucket: {
        kind: "git",
        provider: "bitbucket-dc",
        url: "http://127.0.0.1:9",
        token: "GIT",
        appsMay: ["SHOP/*"],
      },
    },
    secrets: { GIT: { env: "PATH" } },
  },
  { logger },
);
after(async () => {
  await runner.close({ drainMs: 0 });
  await portal.close();
});

const run = (line: string, ...more: string[]) => portal.runAsPerson(...line.split(" "), ...more);
const secrets = new Map<string, string>();

/** As somebody else. */
async function runAs(who: string, line: string, ...more: string[]) {
  const file = join(portal.folder, `token-${who}`);
  await writeFile(file, secrets.get(who) ?? "", { mode: 0o600 });
  return runCommand([...line.split(" "), ...more], { env: { ...portal.env, GANTRY_TOKEN_FILE: file } }, runLine);
}

async function ask(who: string, path: string, body?: object): Promise<{ status: number; body: Answer }> {
  const init = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
  const headers = { authorization: `Bearer ${secrets.get(who)}`, "content-type": "application/json" };
  const answer = await fetch(`${portal.url}/v1${path}`, { ...init, headers });
  return { status: answer.status, body: (await answer.json()) as Answer };
}

type Answer = {
  readonly title: string;
  readonly items: readonly {
    readonly task: string;
    readonly job: string;
    readonly plan: string;
    readonly mayApprove: boolean;
    readonly whyNot?: string;
    readonly targets: readonly object[];
    readonly build?: object;
  }[];
};

const idIn = (out: string): string => /\bt[0-9a-z]{19}\b/.exec(out)?.[0] ?? assert.fail(out);

before(async () => {
  const file = join(portal.folder, "apps.yaml");
  await writeFile(file, APPS);
  const adopted = await run(`app adopt -f ${file}`);
  assert.equal(adopted.code, 0, adopted.out);
  const people = { kim: "approver", lee: "approver", dev: "developer", ops: "operator" };
  for (const [who, role] of Object.entries(people)) {
    const made = await run(`tokens create ${who} --role ${role} --json`);
    secrets.set(who, (JSON.parse(made.out) as { token: string }).token);
  }
  const ci = await runAs("dev", "ci orders --follow");
  assert.equal(ci.code, 0, ci.out);
});

describe("I7, I8: a job that asks people", () => {
  test("is approved by two of them, and its script sees who they are and what they said", async () => {
    const task = idIn((await runAs("dev", "pipeline run ask")).out);
    const shown = await run(`task show ${task}`);
    assert.match(shown.out, /Waiting for the approval of 2 of role:approver/);
    assert.match(shown.out, /Ship it to dev\?\nApprove it: gantry task approve t\w+ 'ship'/);
    assert.match((await runAs("dev", `task approve ${task}`)).out, /dev may not approve a deployment/);
    assert.match((await runAs("ops", `task approve ${task}`)).out, /may not approve/);
    assert.match((await runAs("kim", `task approve ${task} ship --input percent=200`)).out, /percent/);
    const first = await runAs("kim", `task approve ${task} ship --input percent=50`);
    assert.match(first.out, /approved: Ship it to dev\?\n.*kim approved it already/);
    const changed = await runAs("kim", `task reject ${task} ship --reason`, "changed my mind");
    assert.match(changed.out, /was answered by kim already: approve/);
    const second = await runAs("lee", `task approve ${task} --reason`, "looks good");
    assert.equal(second.code, 0, second.out);
    const watched = await run(`task watch ${task}`);
    assert.equal(watched.code, 0, watched.out);
    const logs = await run(`task logs ${task}`);
    assert.match(logs.out, /10 percent, said kim, lee/);
    assert.match(logs.out, /shipped by kim, lee/);
    const late = await runAs("lee", `task approve ${task}`);
    assert.match(late.out, /does not wait for an approval/);
  });

  test("fails when it is rejected, and the task says by whom and why", async () => {
    const task = idIn((await runAs("dev", "pipeline run ask")).out);
    assert.match((await runAs("kim", `task reject ${task}`)).out, /--reason is missing/);
    await runAs("kim", `task reject ${task} --reason`, "The tests are red");
    const shown = await run(`task show ${task}`);
    assert.match(shown.out, /✕ failed[\s\S]*kim rejected it\.\nThe tests are red/);
    assert.match(shown.out, /– skipped/);
  });
});

test("I7: who is asked later, too, is in the plan, and one who cannot be meant is refused with its place", async () => {
  const file = join(portal.folder, "escalates.yaml");
  const write = (approval: string) =>
    writeFile(
      file,
      `name: escalates\napp: none\njobs:\n  ship:\n    site: seoul\n    approval:\n${approval}    steps: [{ run: "true" }]\n`,
    );
  const escalate = (after: string) => `      escalate: { after: ${after}, to: ["group:leads"] }\n`;
  const asks = '      question: Go?\n      approvers: ["group:ops"]\n      expires: 1d\n';
  await write(`${asks}${escalate("4h")}`);
  const planned = await run(`pipeline plan ${file}`);
  assert.match(planned.out, /asks: Go\? \(one person of group:ops, and after 4h also of group:leads\)/);
  await write(`${asks}${escalate("2d")}`);
  assert.match((await run(`pipeline lint ${file}`)).out, /:10:\d+ .*`after` must be .* shorter than `expires`/);
  await write(`      question: Go?\n${escalate("4h")}`);
  assert.match((await run(`pipeline lint ${file}`)).out, /:8:\d+ .*name `approvers`/);
});

describe("I7, I8: a deployment to an environment that demands an approval", () => {
  test("waits although its pipeline asks nothing, is listed with what will happen, and starts once", async () => {
    const task = idIn((await runAs("dev", "cd orders --target prod")).out);
    const { items } = (await ask("kim", "/approvals?mine=true")).body;
    assert.equal(items.length, 1);
    const [one] = items;
    assert.ok(one);
    assert.deepEqual([one.task, one.mayApprove], [task, true]);
    assert.deepEqual(one.targets, [{ name: "prod", environment: "prod" }]);
    assert.deepEqual(one.build, { number: 1, commit: "c0ffee0000" });
    const asDev = (await ask("dev", `/approvals?task=${task}`)).body.items[0];
    assert.match(asDev?.whyNot ?? "", /Needs the role approver on this app/);
    assert.equal((await ask("dev", "/approvals?mine=true")).body.items.length, 0);

    const path = `/tasks/${task}/jobs/${encodeURIComponent(one.job)}/approval`;
    const other = await ask("kim", path, { answer: "approve", plan: "sha256:other" });
    assert.equal(other.status, 409);
    assert.match(other.body.title, /has changed since you looked at it/);
    const said = { answer: "approve", plan: one.plan };
    assert.deepEqual([(await ask("kim", path, said)).status, (await ask("kim", path, said)).status], [202, 202]);
    const late = await ask("lee", path, { answer: "reject", plan: one.plan, reason: "no" });
    assert.deepEqual([late.status, late.body.title.includes("was approved by kim")], [409, true]);
    assert.equal((await run(`task watch ${task}`)).code, 0);
    const again = await ask("kim", path, said);
    assert.equal(again.status, 202);
  });

  test("nobody approves what they requested; without a right to see it, it is not there", async () => {
    const task = idIn((await run("cd orders --target prod")).out);
    const refused = await run(`task approve ${task}`);
    assert.match(refused.out, /Who requested the task cannot approve it/);
    secrets.set(
      "nobody",
      (JSON.parse((await run("tokens create nobody --role none --json")).out) as { token: string }).token,
    );
    assert.deepEqual((await ask("nobody", `/approvals?task=${task}`)).body.items, []);
    const { status } = await ask("nobody", `/tasks/${task}/jobs/x/approval`, { answer: "approve", plan: "x" });
    assert.equal(status, 404);
    await run(`task cancel ${task}`);
  });

  test("a freeze holds it with its reason; who may override policies lets it go, and the audit has why", async () => {
    const task = idIn((await runAs("dev", "cd orders --target bank")).out);
    assert.match((await run(`task show ${task}`)).out, /Deployments to frozen are frozen by lee: Audit\./);
    const job = "deploy[bank]";
    assert.match((await runAs("dev", `task override ${task} ${job} --reason`, "x")).out, /may not/);
    const overridden = await runAs("ops", `task override ${task} ${job} --reason`, "The shop is down");
    assert.equal(overridden.code, 0, overridden.out);
    assert.equal((await run(`task watch ${task}`)).code, 0);
    assert.match((await run("audit list --json")).out, /The shop is down/);
  });
});
