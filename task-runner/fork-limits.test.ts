// A pull request from a fork as an attacker: a person has let one commit run, and the pipeline would let it do more. The runner refuses
// it by the specification of the job, whoever wrote the pipeline, and no outside system hears of it.

import assert from "node:assert/strict";
import { test } from "node:test";
import type * as wire from "@gantry/wire/runner/protocol.ts";
import { script, uses } from "./fake-agent.fixture.ts";
import { COMMIT, DIGEST, ORDERS, OWN, openRefusingSite, PLATFORM, repository } from "./outside-app.fixture.ts";
import { skip } from "./sandbox.fixture.ts";

type Step = ReturnType<typeof uses>;

const FORK: Partial<wire.JobSpec> = { fork: { commit: COMMIT } };
const source = repository("orders");
const siteWide = (step: Step): Step => ({ ...step, scope: "site" });

/** What the pipeline would let it do → the step, and what the refusal says. */
const ATTACKS: readonly [does: string, step: Step, refused: RegExp][] = [
  [
    "pushes to its own repository",
    uses("x", "git/commit-push", { repository: source, message: "x" }),
    /only these steps/,
  ],
  [
    "says that its check has passed",
    uses("x", "git/set-commit-status", {
      repository: source,
      commit: COMMIT,
      state: "succeeded",
      name: "gantry/own/orders/x",
    }),
    /only these steps/,
  ],
  [
    "pushes an image of its app",
    uses("x", "image/build-push", { repository: "apps/orders", tags: ["1"] }),
    /only these/,
  ],
  [
    "reads an image of its app",
    uses("x", "image/verify", { repository: "apps/orders", digest: DIGEST }),
    /only these steps/,
  ],
  ["takes the account of the package registry", uses("x", "nexus/settings", {}), /only these steps/],
  [
    "deploys",
    uses("x", "argocd/sync", { app: "orders-seoul-dp", project: "orders", revision: COMMIT }),
    /only these steps/,
  ],
  ["widens its scope", siteWide(uses("x", "git/checkout", { repository: source, ref: COMMIT })), /`scope: site`/],
  ["widens the scope of a script", siteWide(script("x", "true")), /`scope: site`/],
  [
    "checks out what its branch has by now",
    uses("x", "git/checkout", { repository: source, ref: "refs/pull/7/head" }),
    /only the commit that a person has let run, c0c0/,
  ],
  ["checks out the newest commit", uses("x", "git/checkout", { repository: source }), /only the commit/],
  [
    "checks out the yaml repository of its app",
    uses("x", "git/checkout", { repository: repository("orders-deploy"), ref: COMMIT }),
    /only the source of its app, not the repository APPS\/orders-deploy/,
  ],
  [
    "checks out a shared repository",
    uses("x", "git/checkout", { repository: { system: "git", project: "LIBS", slug: "keys" }, ref: COMMIT }),
    /only the source of its app, not the repository LIBS\/keys/,
  ],
  [
    "takes a secret",
    { ...script("x", "echo $KEY"), env: { KEY: "${{ secrets.SIGNING_KEY }}" } },
    /gets no secret, and the step names SIGNING_KEY/,
  ],
  [
    "takes a secret parameter",
    { ...script("x", "echo $KEY"), env: { KEY: "${{ params.licence }}" } },
    /gets no secret, and the step names licence/,
  ],
];

test("A1: what a pull request from a fork may not do is refused with a reason", { skip }, async (t) => {
  const { asked, run } = await openRefusingSite(t, { shared: { repositories: ["LIBS/*"] } });
  const more = { ...FORK, secretParams: { licence: "a-secret-parameter" } };
  for (const definition of [OWN, PLATFORM])
    for (const [does, step, refused] of ATTACKS)
      await t.test(
        `a pull request from a fork that ${does} is refused, in a pipeline of the ${definition.origin}`,
        async () => {
          asked.length = 0;
          const { outcome, failure } = await run([step], definition, more);
          assert.deepEqual([outcome, failure?.code], ["failed", "fork-refused"], JSON.stringify(failure));
          assert.match(failure?.why ?? "", refused);
          assert.deepEqual(asked, []);
        },
      );
});

test("A1: a secret in the variables of the job is refused, too", { skip }, async (t) => {
  const { run } = await openRefusingSite(t);
  const { failure } = await run([script("x", "true")], PLATFORM, {
    ...FORK,
    env: { KEY: "${{ secrets.SIGNING_KEY }}" },
  });
  assert.equal(failure?.code, "fork-refused");
});

test("A1: a script of a pull request from a fork runs in the sandbox, and saves no cache", { skip }, async (t) => {
  const { agent } = await openRefusingSite(t);
  const scope = { params: {}, app: ORDERS, task: { id: "t1" }, site: "seoul" };
  const save = uses("save", "cache/save", { name: "deps", paths: ["deps"] });
  const steps = [script("look", "env; mkdir deps; echo x > deps/x"), save];
  const job = agent.offer({ steps, definition: PLATFORM, ...FORK, scope });
  const { outcome, failure } = await agent.reported(job);
  assert.equal(outcome, "succeeded", JSON.stringify(failure));
  assert.doesNotMatch(agent.log(job, "look"), /credential-of-the-site|signing-key-of-orders/);
  assert.match(agent.log(job, "save"), /a pull request from a fork fills no cache/);
});

test("A1: a runner without a sandbox runs no script of a fork, should it ever be given one", async (t) => {
  const { run } = await openRefusingSite(t, { isolation: "none" });
  const { failure } = await run([script("x", "true")], PLATFORM, FORK);
  assert.deepEqual([failure?.code, /has no sandbox/.test(failure?.why ?? "")], ["fork-refused", true]);
});

test("A1: a runner says that it takes pull requests from forks only if it has a sandbox", { skip }, async (t) => {
  const says = async (isolation: string): Promise<boolean | undefined> => {
    const { agent, run } = await openRefusingSite(t, { isolation });
    await run([script("x", "true")], PLATFORM);
    return agent.sessions.at(-1)?.forks;
  };
  assert.deepEqual([await says("sandbox"), await says("none")], [true, undefined]);
});
