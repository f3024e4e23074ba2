// What every git host must do for Gantry, run against each client and its fake over real HTTP.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { GantryError } from "@gantry/core/errors.ts";
import type { GitSystem } from "@gantry/core/site/systems.ts";
import { fastClock, openBench } from "../step.fixture.ts";
import { tempDir } from "../temp-dir.fixture.ts";
import { setCommitStatus } from "./commit-status-step.ts";
import type { CommitStatus, GitHost } from "./host.ts";
import { openHost } from "./hosts.ts";
import { type LabHost, startLabHost } from "./lab.fixture.ts";
import { gitEnvironmentOf, pushAsSomebody, tagMain } from "./lab-git.fixture.ts";

import { checkout, commitPush, createRepository } from "./steps.ts";

const run = promisify(execFile);

export function hostSuite(provider: GitSystem["provider"]): void {
  const opened = async (t: Parameters<typeof tempDir>[0], change: Partial<GitSystem> = {}) => {
    const lab = await startLabHost(provider, await tempDir(t));
    t.after(() => lab.server.close());
    const host = openHost({ system: { ...lab.system, ...change }, fetch, signal: AbortSignal.timeout(60_000) });
    return { lab, host };
  };
  const named = (what: string) => `${provider}: ${what}`;

  test(named("a repository does not exist before it is created, and can be created once"), async (t) => {
    const { lab, host } = await opened(t);
    assert.equal(await host.getRepository(lab.project, "orders"), undefined);
    const made = await host.createRepository(newRepository(lab, "orders"));
    assert.equal(made?.slug, "orders");
    assert.equal(await host.createRepository(newRepository(lab, "orders")), undefined, "it exists");
    const found = await untilReady(host, lab.project, "orders");
    assert.equal(found.description, "Orders (gantry:app=orders)");
    assert.equal(await host.isEmpty(lab.project, "orders"), true);
    await host.createRepository(newRepository(lab, "billing"));
    assert.deepEqual((await host.listRepositories(lab.project)).toSorted(), ["billing", "orders"]);
  });

  test(named("the slug is the host's own"), async (t) => {
    const { lab, host } = await opened(t);
    const made = await host.createRepository(newRepository(lab, "Orders.API"));
    assert.ok(made);
    const found = await untilReady(host, lab.project, made.slug);
    assert.equal(found.slug, made.slug);
    assert.equal((await host.getRepository(lab.project, "Orders.API"))?.slug, made.slug);
  });

  test(named("deleting is fine twice and leaves nothing"), async (t) => {
    const { lab, host } = await opened(t);
    await host.createRepository(newRepository(lab, "orders"));
    await host.deleteRepository(lab.project, "orders");
    await host.deleteRepository(lab.project, "orders");
    assert.equal(await host.getRepository(lab.project, "orders"), undefined);
  });

  test(named("a wrong token is refused as a credential, a reader as forbidden"), async (t) => {
    const { lab, host } = await opened(t, { token: "not-the-token" });
    await rejectsWith("credential-refused", () => host.getRepository(lab.project, "orders"));
    const reader = openHost({
      system: { ...lab.system, ...(lab.system.username ? { username: "reader" } : {}), token: "lab-reader-token" },
      fetch,
      signal: AbortSignal.timeout(60_000),
    });
    await rejectsWith("system-forbidden", () => reader.createRepository(newRepository(lab, "orders")));
  });

  test(named("a host that fails is unavailable, and the error may be tried again"), async (t) => {
    const { lab, host } = await opened(t);
    for (const status of [500, 502, 503]) {
      lab.server.faults.add({ kind: "status", status, times: 3 });
      const error = await rejectsWith("system-unavailable", () => host.getRepository(lab.project, "orders"));
      assert.equal(error.entry.retryable, true);
      lab.server.faults.clear();
    }
    lab.server.faults.add({ kind: "drop", times: 3 });
    await rejectsWith("system-unavailable", () => host.getRepository(lab.project, "orders"));
    lab.server.faults.clear();
    lab.server.faults.add({ kind: "status", status: 302, times: 1 });
    await rejectsWith("system-strange", () => host.getRepository(lab.project, "orders"));
    lab.server.faults.add({ kind: "status", status: 200, body: { hello: "from the proxy" }, times: 1 });
    await rejectsWith("system-strange", () => host.getRepository(lab.project, "orders"));
  });

  test(named("an error never contains the token"), async (t) => {
    const { lab, host } = await opened(t);
    const body = { message: "bad token lab-admin-token" };
    for (const status of [400, 401, 403, 500]) {
      lab.server.faults.add({ kind: "status", status, body, times: 3 });
      const error = await host.createRepository(newRepository(lab, "orders")).then(
        () => assert.fail("it must fail"),
        (problem: unknown) => problem,
      );
      assert.ok(error instanceof GantryError);
      assert.ok(!JSON.stringify([error.message, error.details]).includes("lab-admin-token"), error.message);
      lab.server.faults.clear();
    }
  });

  test(named("an unmodified git clones what was seeded, from the address we give"), async (t) => {
    const { lab, host } = await opened(t);
    const dir = await tempDir(t);
    await mkdir(join(dir, "seed"));
    await writeFile(join(dir, "seed", "README.md"), "hello\n");
    await lab.seed("template", join(dir, "seed"));
    await lab.seed("template", join(dir, "seed"));
    const env = gitEnvironmentOf(host, dir);
    await run("git", ["clone", "--quiet", host.cloneUrl(lab.project, "template"), join(dir, "copy")], { env });
    const { stdout } = await run("git", ["-C", join(dir, "copy"), "log", "--format=%H %s"], { env });
    const [tip = "", subject] = stdout.trim().split(/ (.*)/);
    assert.equal(subject, "First version");
    assert.equal(await host.isEmpty(lab.project, "template"), false);
    const page = await fetch(host.repositoryUrl(lab.project, "template"));
    assert.match(await page.text(), /fake[\s\S]*README\.md/);
    const commit = await fetch(host.commitUrl(lab.project, "template", tip));
    assert.match(await commit.text(), /First version[\s\S]*\+hello/);
    const address = host.fileUrl(lab.project, "template", tip).replace("{path}", "README.md").replace("{line}", "1");
    const file = await fetch(address);
    assert.match(await file.text(), /README\.md[\s\S]*hello/, address);
  });

  test(named("the host's state survives a restart on the same port"), async (t) => {
    const dir = await tempDir(t);
    const first = await startLabHost(provider, dir);
    // A failing host must not keep the test's process alive.
    t.after(() => first.server.close());
    const signal = AbortSignal.timeout(60_000);
    await openHost({ system: first.system, fetch, signal }).createRepository(newRepository(first, "orders"));
    await first.server.close();
    const second = await startLabHost(provider, dir, first.server.port);
    t.after(() => second.server.close());
    const found = await openHost({ system: first.system, fetch, signal }).getRepository(first.project, "orders");
    assert.equal(found?.description, "Orders (gantry:app=orders)");
  });

  test(named("a commit shows how its last run went, with a link"), async (t) => {
    const { lab, host } = await opened(t);
    const dir = await tempDir(t);
    await writeFile(join(dir, "README.md"), "hello\n");
    await lab.seed("orders", dir);
    const [tip] = await lab.store.commits(await onlyRepository(lab), "main", 1);
    assert.ok(tip);
    const link = "https://gantry.example/tasks/t-1";
    const set = (state: CommitStatus["state"], name = "gantry/ci/orders") =>
      host.setCommitStatus(lab.project, "orders", tip.id, { state, name, description: "CI", url: link });
    const shown = () => lab.statusesOf("orders", tip.id).map(({ name, url, description }) => [name, url, description]);
    const word = () => lab.statusesOf("orders", tip.id)[0]?.state ?? "";
    await set("running");
    await set("running");
    assert.deepEqual(shown(), [["gantry/ci/orders", link, "CI"]]);
    assert.match(word(), /pending|running|progress/i);
    const words = [word()];
    for (const state of ["succeeded", "failed", "canceled"] as const) {
      await set("running");
      await set(state);
      words.push(word());
    }
    assert.equal(new Set(words).size, 4, `each state has a word of its own: ${words}`);
    assert.match(words[1] ?? "", /success/i);
    assert.equal(shown().length, 1, "the newest status of a name replaces the others");
    await set("running", `gantry/cd/${"long-".repeat(12)}`);
    assert.equal(shown().length, 2);
    const page = await fetch(host.commitUrl(lab.project, "orders", tip.id));
    assert.match(await page.text(), /https:\/\/gantry\.example\/tasks\/t-1/);
    const status = { state: "running", name: "gantry/ci/orders", description: "", url: link } as const;
    const unknown = host.setCommitStatus(lab.project, "orders", "0".repeat(40), status);
    await rejectsWith("system-refused", () => unknown);
  });

  test(named("git/set-commit-status never fails: what the host refuses is a warning in the log"), async (t) => {
    const { lab } = await opened(t);
    const dir = await tempDir(t);
    await writeFile(join(dir, "README.md"), "hello\n");
    await lab.seed("orders", dir);
    const [tip] = await lab.store.commits(await onlyRepository(lab), "main", 1);
    const fast = { nowMs: fastClock(), limits: { limitMs: 30_000, maxPauseMs: 1 } };
    const bench = await openBench({ systems: [lab.system], ...fast });
    t.after(() => bench.close());
    const input = {
      repository: { project: lab.project, slug: "orders" },
      commit: tip?.id ?? "",
      state: "running",
      name: "gantry/ci/orders",
    };
    bench.crashAt({ effect: "set-commit-status", when: "after-perform" });
    await assert.rejects(() => bench.run(setCommitStatus, input), /crash/);
    assert.deepEqual(await bench.run(setCommitStatus, input), { kind: "succeeded", output: { set: true } });
    const shown = lab.statusesOf("orders", input.commit).map(({ url, description }) => [url, description]);
    assert.deepEqual(shown, [[bench.task.url, "In progress"]]);
    const reader = await openBench({
      systems: [{ ...lab.system, ...(lab.system.username ? { username: "reader" } : {}), token: "lab-reader-token" }],
      ...fast,
    });
    t.after(() => reader.close());
    // Data Center asks for no right but to read.
    if (provider !== "bitbucket-dc") {
      assert.deepEqual(await reader.run(setCommitStatus, input), { kind: "succeeded", output: { set: false } });
      assert.match(reader.lines.join("\n"), /Warning: the commit does not show the status gantry\/ci\/orders\./);
    }
    for (const commit of ["unknown", "0".repeat(40)]) {
      bench.nextTask();
      const outcome = await bench.run(setCommitStatus, { ...input, commit });
      assert.deepEqual(outcome, { kind: "succeeded", output: { set: false } }, commit);
      assert.match(bench.lines.join("\n"), /Warning: the commit does not show/);
    }
    bench.nextTask({ url: "/tasks/t-1" });
    assert.deepEqual(await bench.run(setCommitStatus, input), { kind: "succeeded", output: { set: false } });
    assert.match(bench.lines.join("\n"), /`portalUrl` of the task-agent must begin with https/);
  });

  test(named("a push to a protected branch is refused with what to do"), async (t) => {
    const { lab } = await opened(t);
    const dir = await tempDir(t);
    await writeFile(join(dir, "values.yaml"), "tag: v1\n");
    await lab.seed("deploy", dir);
    await lab.pullRequests.protect(lab.owner, "deploy", "main", 0);
    const bench = await openBench({ systems: [lab.system] });
    t.after(() => bench.close());
    const where = { repository: { project: lab.project, slug: "deploy" }, directory: "deploy" };
    await bench.run(checkout, { ...where, ref: "main" });
    await writeFile(join(bench.workspace, "deploy", "values.yaml"), "tag: v2\n");
    const refused = await bench.once(commitPush, { ...where, branch: "main", message: "Deploy" });
    assert.ok(refused.kind === "errored" && refused.failure.code === "branch-protected", JSON.stringify(refused));
    assert.match(refused.failure.todo ?? "", /push: pull-request/);
  });

  test(named("git/create-repository makes it, finds it again, and leaves a stranger's alone"), async (t) => {
    const { lab, host } = await opened(t);
    const bench = await openBench({ systems: [lab.system] });
    t.after(() => bench.close());
    const input = { repository: { project: lab.project, slug: "orders" }, description: "Orders" };
    assert.deepEqual(await bench.plan(createRepository, input), [
      `create repository ${lab.project}/orders at bitbucket`,
    ]);
    const first = await bench.run(createRepository, input);
    assert.equal(first.kind, "succeeded");
    if (first.kind !== "succeeded") return;
    assert.equal(first.output.created, true);
    assert.equal(first.output.cloneUrl, host.cloneUrl(lab.project, "orders"));
    bench.nextTask();
    const second = await bench.run(createRepository, input);
    assert.equal(second.kind === "succeeded" && second.output.created, false);
    if (second.kind === "succeeded") await bench.undo(createRepository, input, second.output);
    assert.ok(await host.getRepository(lab.project, "orders"), "undo deletes only what this run made");

    await host.createRepository({ ...newRepository(lab, "foreign"), description: "by hand (gantry:app=orders-2)" });
    bench.nextTask();
    const others = { repository: { project: lab.project, slug: "foreign" } };
    const foreign = await bench.run(createRepository, others);
    assert.equal(foreign.kind === "errored" && foreign.failure.code, "exists-foreign");
    const stays = /^the repository \S+foreign stays: task \S+ may have made it, but its description does not hold/;
    assert.match(String(await bench.find(createRepository, others)), stays, "an undo leaves it alone, too");

    await bench.undo(createRepository, input, first.output);
    await bench.undo(createRepository, input, first.output);
    assert.equal(await host.getRepository(lab.project, "orders"), undefined);
  });

  test(
    named("undo keeps a repository with commits that others made, on any branch, and deletes one with Gantry's"),
    async (t) => {
      const { lab, host } = await opened(t);
      const bench = await openBench({ systems: [lab.system] });
      t.after(() => bench.close());
      await mkdir(join(bench.workspace, "source"));
      await writeFile(join(bench.workspace, "source", "README.md"), "made from a template\n");
      const cases = [
        { slug: "untouched", why: undefined, change: async () => undefined },
        {
          slug: "on-main",
          why: /it has commits of others, such as [0-9a-f]{10} by Some Body$/,
          change: () => pushAsSomebody(lab, "on-main", { "work.md": "a week of work\n" }),
        },
        {
          slug: "branch",
          why: /it has commits of others, such as [0-9a-f]{10} by Some Body$/,
          change: () => pushAsSomebody(lab, "branch", { "work.md": "more\n" }, "feature/x"),
        },
        { slug: "tagged", why: /it has the tag v1$/, change: () => tagMain(lab, "tagged", "v1") },
      ];
      for (const { slug, why, change } of cases) {
        bench.nextTask();
        const repository = { project: lab.project, slug };
        const made = await bench.run(createRepository, { repository });
        assert.ok(made.kind === "succeeded");
        await bench.run(commitPush, { repository, directory: "source", branch: "main", message: "Start" });
        await change();
        await bench.undo(createRepository, { repository }, made.output);
        assert.equal((await host.getRepository(lab.project, slug)) !== undefined, why !== undefined, slug);
        const said = bench.lines.find((line) => line.startsWith("kept the repository "));
        if (why === undefined) assert.equal(said, undefined);
        else assert.match(said ?? "", why);
      }
    },
  );

  test(named("git/create-repository after a crash or a lost answer finds what it made"), async (t) => {
    const { lab } = await opened(t);
    const bench = await openBench({ systems: [lab.system] });
    t.after(() => bench.close());
    const input = { repository: { project: lab.project, slug: "orders" } };
    bench.crashAt({ effect: "create-repository", when: "after-perform" });
    await assert.rejects(bench.run(createRepository, input), /crash/);
    const found = await bench.find(createRepository, input);
    assert.ok(typeof found === "object" && found.created && found.slug === "orders", "an undo finds it");
    const again = await bench.run(createRepository, input);
    assert.equal(again.kind === "succeeded" && again.output.created, true);

    bench.nextTask();
    lab.server.faults.add({ match: "^POST ", kind: "drop-answer", times: 1 });
    const other = { repository: { project: lab.project, slug: "billing" } };
    const lost = await bench.run(createRepository, other, { retries: 3 });
    assert.equal(lost.kind === "succeeded" && lost.output.created, true, JSON.stringify(lost));
  });

  test(named("git/create-repository waits as long as a busy host asks"), async (t) => {
    const { lab } = await opened(t);
    const pausing: typeof fetch = async () =>
      new Response('{"message":"slow down"}', {
        status: 429,
        headers: { "retry-after": "7", "content-type": "application/json" },
      });
    const bench = await openBench({ systems: [lab.system], fetch: pausing });
    t.after(() => bench.close());
    const outcome = await bench.once(createRepository, { repository: { project: lab.project, slug: "orders" } });
    assert.equal(outcome.kind === "waiting" && outcome.retryAfterMs, 7_000, JSON.stringify(outcome));
  });
}

function newRepository(lab: LabHost, slug: string): Parameters<GitHost["createRepository"]>[0] {
  return {
    project: lab.project,
    slug,
    description: "Orders (gantry:app=orders)",
    private: true,
    defaultBranch: "main",
  };
}

/** The id of the only repository in the store. */
async function onlyRepository({ store }: LabHost): Promise<string> {
  const [folder = ""] = await readdir(join(store.folderOf("0"), ".."));
  return folder.replace(/\.git$/, "");
}

/** A few polls are enough: the fakes count reads, not time. */
async function untilReady(host: GitHost, project: string, slug: string) {
  for (let look = 0; look < 5; look++) {
    const found = await host.getRepository(project, slug);
    if (found?.ready) return found;
  }
  return assert.fail(`${slug} never got ready`);
}

async function rejectsWith(code: string, act: () => Promise<unknown>): Promise<GantryError> {
  const error = await act().then(
    (answer) => assert.fail(`it must fail with ${code}, and answered ${JSON.stringify(answer)}`),
    (problem: unknown) => problem,
  );
  assert.ok(error instanceof GantryError, String(error));
  assert.equal(error.code, code, JSON.stringify(error.details));
  return error;
}
