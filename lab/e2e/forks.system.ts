// A pull request from a fork of a repository of the lab: the host tells the portal, a person lets the commit run, and the runner checks
// out this commit and no other, in a sandbox and without the secrets of the site.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHmac } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import { ACCOUNTS, startLabHost } from "@gantry/connectors/git/lab.fixture.ts";
import { seed } from "@gantry/connectors/git/lab-git.fixture.ts";
import { appInput } from "@gantry/core/app/app.fixture.ts";
import { startPortal } from "@gantry/portal-api/main.ts";
import { makeLogger } from "@gantry/runtime/process/logger.ts";
import { startTaskAgent } from "@gantry/task-agent/main.ts";
import { sandboxProblem, startRunner } from "@gantry/task-runner/main.ts";
import { makeAgentClient } from "@gantry/wire/agent/agent-client.ts";
import type { ApprovalView } from "@gantry/wire/agent/approvals.ts";
import type { TaskView } from "@gantry/wire/agent/views.ts";
import { type LabForkRequest, tellOfForkRequest } from "../fakes/git/webhooks.ts";

const exec = promisify(execFile);
const TOKEN = "platform-token-of-this-test";
const RUNNER_TOKEN = "runner-token-of-seoul-0";
const SECRET = "a-secret-of-the-git-host";
const CREDENTIAL = "signing-key-of-the-site";
const logger = makeLogger("test", "silent");
/** Asking without a pause would take the processor from those who work in this process. */
const ASK_EVERY_MS = 20;
const problem = await sandboxProblem(process.env.PATH ?? "");
const skip = problem === undefined ? false : `no sandbox: ${problem}`;

/** The release branch shares it: a push may take the secret, a pull request from a fork may not. */
const CHECK = `name: check
title: Check
app: existing
params: { ref: { type: string, default: main } }
triggers:
  - pull_request: { branches: [main], fromForks: after-approval }
    params: { ref: "\${{ trigger.commit }}" }
  - push: { branches: [main] }
    params: { ref: "\${{ trigger.commit }}" }
jobs:
  test:
    site: seoul
    steps:
      - id: source
        uses: git/checkout
        with:
          repository: { project: "\${{ app.source.project }}", slug: "\${{ app.source.slug }}" }
          ref: "\${{ params.ref }}"
          branch: main
      - { id: test, run: "cat word.txt; env; echo word=$(cat word.txt) >> $GANTRY_OUTPUT" }
      - id: sign
        when: trigger.kind == 'push'
        run: "true"
        env: { KEY: "\${{ secrets.SIGNING_KEY }}" }
    outputs: { word: "\${{ steps.test.outputs.word }}" }
`;

async function open(t: TestContext, provider: "github" | "gitlab") {
  const dir = await mkdtemp(join(tmpdir(), "gantry-forks-"));
  for (const folder of ["pipelines", "runner", "work"]) await mkdir(join(dir, folder));
  await writeFile(join(dir, "pipelines/check.yaml"), CHECK);
  await writeFile(join(dir, "git-token"), ACCOUNTS[0]?.token ?? "");
  await writeFile(join(dir, "key"), CREDENTIAL);
  t.after(() => rm(dir, { recursive: true }));
  const lab = await startLabHost(provider, join(dir, "host"));
  t.after(() => lab.server.close());
  const agent = await startTaskAgent(
    {
      ...{ data: join(dir, "agent"), portalUrl: "http://portal", token: TOKEN, pipelines: join(dir, "pipelines") },
      runnerTokens: { [RUNNER_TOKEN]: "seoul" },
    },
    { logger },
  );
  t.after(() => agent.close());
  const portal = await startPortal(
    {
      ...{ dataDir: join(dir, "portal"), port: 0, agent: { url: agent.url, token: TOKEN } },
      webhooks: { sources: { git: { host: provider, system: "bitbucket", secret: SECRET } } },
    },
    { logger: logger as never },
  );
  t.after(() => portal.close());
  const { name: _, ...system } = lab.system;
  const runner = await startRunner(
    {
      ...{ name: "seoul-1", site: "seoul", agent: agent.url, token: RUNNER_TOKEN, data: join(dir, "runner") },
      systems: { bitbucket: { ...system, token: "GIT", appsMay: [`${lab.project}/*`, "apps/*"] } as never },
      secrets: { GIT: { file: join(dir, "git-token") }, SIGNING_KEY: { file: join(dir, "key") } },
    },
    { logger },
  );
  t.after(() => runner.close({ drainMs: 0 }));
  const client = makeAgentClient({ url: agent.url, token: TOKEN });
  await seed(lab, "orders", { "word.txt": "main\n" });
  const source = { system: "bitbucket", project: lab.project, slug: "orders" };
  const app = JSON.parse(
    JSON.stringify(appInput({ source, images: [{ name: "orders", repository: "apps/orders" }] as never })),
  );
  await client.adoptApp("orders", { principal: "ada", app, dryRun: false });

  const git = async (...args: readonly string[]): Promise<string> => {
    const who = ["-c", "user.name=Mallory", "-c", "user.email=mallory@example.com"];
    return (await exec("git", [...who, ...args], { cwd: join(dir, "work") })).stdout.trim();
  };
  const address = Object.assign(new URL(lab.server.url), {
    username: ACCOUNTS[0]?.user,
    password: ACCOUNTS[0]?.token,
  });
  await git("clone", "--quiet", `${address.href.replace(/\/$/, "")}/${lab.owner}/orders.git`, ".");
  const ref = provider === "github" ? "refs/pull/7/head" : "refs/merge-requests/7/head";
  /** A commit of the fork. The host keeps it in the repository of the app, below a name that is no branch. */
  const commit = async (word: string): Promise<string> => {
    await writeFile(join(dir, "work/word.txt"), `${word}\n`);
    await git("commit", "--quiet", "--all", "-m", word);
    await git("push", "--quiet", "--force", "origin", `HEAD:${ref}`);
    return git("rev-parse", "HEAD");
  };
  const tell = (one: Pick<LabForkRequest, "commit" | "before"> & { readonly fork?: string }): Promise<void> =>
    tellOfForkRequest(
      { host: provider, url: `${portal.url}/v1/webhooks/git`, secret: SECRET },
      { number: 7, into: `${lab.owner}/orders`, fork: "mallory/orders", branch: "fix", by: "mallory", ...one },
    );
  /** A push to main, as somebody says who knows the secret of the webhook. */
  const forgePush = async (after: string): Promise<void> => {
    const name = `${lab.owner}/orders`;
    const change = { ref: "refs/heads/main", before: await git("rev-parse", "origin/main"), after, commits: [] };
    const [body, headers] =
      provider === "github"
        ? [
            { ...change, repository: { full_name: name } },
            { "x-github-event": "push", "x-github-delivery": after },
          ]
        : [
            { object_kind: "push", ...change, checkout_sha: after, project: { path_with_namespace: name } },
            { "x-gitlab-event": "Push Hook", "x-gitlab-token": SECRET, "idempotency-key": after },
          ];
    const text = JSON.stringify(body);
    const signature = `sha256=${createHmac("sha256", SECRET).update(text).digest("hex")}`;
    const answer = await fetch(`${portal.url}/v1/webhooks/git`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-hub-signature-256": signature, ...headers },
      body: text,
    });
    assert.equal(answer.status, 202, await answer.text());
  };
  const until = async <T>(what: string, look: () => Promise<T | undefined>): Promise<T> => {
    const limit = AbortSignal.timeout(100_000);
    for (;;) {
      const found = await look();
      if (found !== undefined) return found;
      if (limit.aborted) {
        const { items } = await client.tasks({ limit: 10 });
        throw new Error(`waited too long for ${what}; the tasks: ${items.map(({ headline }) => headline).join("; ")}`);
      }
      await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
    }
  };
  return {
    ...{ client, commit, tell, forgePush, git, into: `${lab.owner}/orders` },
    /** The task for this commit. */
    taskOf: (wanted: string): Promise<TaskView> =>
      until(`the task of ${wanted}`, async () => {
        const { items } = await client.tasks({ limit: 10 });
        const found = await Promise.all(items.map(({ id }) => client.task(id)));
        return found.find(({ params }) => params.ref === wanted);
      }),
    asked: (commitAsked: string): Promise<ApprovalView> =>
      until(`an approval of ${commitAsked}`, async () =>
        (await client.approvals({ limit: 10 })).items.find(({ question }) => question.includes(commitAsked)),
      ),
    ended: (id: string): Promise<TaskView> =>
      until(`the end of task ${id}`, async () => {
        const task = await client.task(id);
        return task.endedAt === undefined ? undefined : task;
      }),
  };
}

for (const provider of ["github", "gitlab"] as const)
  test(`A1: a pull request from a fork on ${provider} runs the commit that a person let run`, { skip }, async (t) => {
    const { client, commit, tell, asked, ended } = await open(t, provider);
    const first = await commit("first");
    await tell({ commit: first });
    const one = await asked(first);
    const second = await commit("second");
    await tell({ commit: second, before: first });
    const { task, job, plan, question } = await asked(second);
    assert.match(question, /the fork mallory\/orders by mallory/);
    assert.equal((await ended(one.task)).state, "canceled");
    // What is pushed after a person has looked is not what runs.
    await commit("third");
    await client.answerApproval(task, job, { principal: "lee", answer: "approve", plan });
    const { state, headline, jobs } = await ended(task);
    assert.equal(state, "succeeded", headline);
    assert.equal(jobs[0]?.outputs?.word, "second");
    assert.deepEqual(
      jobs[0]?.steps.map(({ id, state: of }) => `${id} ${of}`),
      ["source succeeded", "test succeeded", "sign skipped"],
    );
    assert.equal(JSON.stringify(jobs).includes(CREDENTIAL), false);
  });

for (const provider of ["github", "gitlab"] as const)
  test(`who has only the secret of a webhook on ${provider} has no commit of a fork run`, { skip }, async (t) => {
    const { commit, tell, forgePush, git, into, taskOf, ended } = await open(t, provider);
    const pushed = await commit("a push to main, it says");
    await forgePush(pushed);
    const asPush = await ended((await taskOf(pushed)).id);
    assert.deepEqual([asPush.state, asPush.failure?.code], ["failed", "commit-not-own"], asPush.headline);
    assert.match(asPush.failure?.todo ?? "", /Push a branch or a tag that has it/);
    const own = await commit("a pull request of the repository itself, it says");
    await tell({ commit: own, fork: into });
    const asRequest = await ended((await taskOf(own)).id);
    assert.deepEqual([asRequest.state, asRequest.failure?.code], ["failed", "commit-not-own"], asRequest.headline);
    for (const { jobs } of [asPush, asRequest])
      assert.deepEqual(
        jobs[0]?.steps.map(({ id, state }) => `${id} ${state}`),
        ["source failed", "test skipped", "sign skipped"],
      );
    // Somebody who may push takes a commit over: then it is one of the repository, also when it is not the newest of its branch.
    const taken = await commit("taken over");
    await git("commit", "--quiet", "--allow-empty", "-m", "more");
    await git("push", "--quiet", "origin", "HEAD:refs/heads/taken-over");
    await forgePush(taken);
    const asOwn = await ended((await taskOf(taken)).id);
    assert.equal(asOwn.state, "succeeded", asOwn.headline);
  });
