// Pull requests from the first push to the merge, at every git host. Each test takes dozens of calls of git.

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { JsonValue } from "@gantry/core/json.ts";
import { GIT_PROVIDERS } from "@gantry/core/site/git-providers.ts";
import { openBench } from "../step.fixture.ts";
import { tempDir } from "../temp-dir.fixture.ts";
import { openHost } from "./hosts.ts";
import { startLabHost } from "./lab.fixture.ts";
import { pushAsSomebody } from "./lab-git.fixture.ts";
import { closePullRequests, openPullRequest, waitForMerge } from "./pull-request-steps.ts";
import { checkout, commitPush } from "./steps.ts";

for (const provider of GIT_PROVIDERS) {
  const opened = async (t: TestContext) => {
    const lab = await startLabHost(provider, await tempDir(t));
    t.after(() => lab.server.close());
    return { lab, host: openHost({ system: lab.system, fetch, signal: AbortSignal.timeout(180_000) }) };
  };
  const named = (what: string) => `${provider}: ${what}`;

  test(
    named("a pull request is opened once, closes older ones of the app, and is followed until it is merged"),
    async (t) => {
      const { lab, host } = await opened(t);
      const dir = await tempDir(t);
      await writeFile(join(dir, "values.yaml"), "tag: v1\n");
      await lab.seed("deploy", dir);
      const bench = await openBench({ systems: [lab.system] });
      t.after(() => bench.close());
      const repository = { project: lab.project, slug: "deploy" };
      const change = async (branch: string, text: string) => {
        bench.nextTask();
        await bench.run(checkout, { repository, ref: "main", directory: branch });
        await writeFile(join(bench.workspace, branch, "values.yaml"), text);
        const pushed = await bench.run(commitPush, {
          repository,
          directory: branch,
          branch,
          message: `Deploy ${text}`,
        });
        assert.equal(pushed.kind, "succeeded", JSON.stringify(pushed));
        return { repository, from: branch, to: "main", title: `Deploy ${branch}`, supersedes: "gantry/orders/" };
      };
      const other = await bench.run(openPullRequest, await change("gantry/other/1", "tag: x\n"));
      const first = await bench.run(openPullRequest, await change("gantry/orders/1", "tag: v2\n"));
      const input = await change("gantry/orders/2", "tag: v3\n");
      // Anybody may name a branch of a fork as Gantry names its own.
      const fromForks = ["gantry/orders/0", "gantry/orders/2"].map((from) =>
        lab.pullRequests.openFromFork(lab.owner, "deploy", { from, to: "main" }),
      );
      bench.crashAt({ effect: "open-pull-request", when: "before-perform" });
      await assert.rejects(() => bench.run(openPullRequest, input));
      bench.crashAt({ effect: "open-pull-request", when: "after-perform" });
      await assert.rejects(() => bench.run(openPullRequest, input));
      const second = await bench.run(openPullRequest, input);
      assert.ok(other.kind === "succeeded" && first.kind === "succeeded" && second.kind === "succeeded");
      assert.deepEqual(second.output.superseded, [first.output.id]);
      assert.deepEqual(
        (await host.listPullRequests(lab.project, "deploy", "main")).map(({ id, from }) => [id, from]),
        [
          [second.output.id, "gantry/orders/2"],
          [fromForks[1], "gantry/orders/2"],
          [fromForks[0], "gantry/orders/0"],
          [other.output.id, "gantry/other/1"],
        ],
      );
      const closed = await bench.run(waitForMerge, { repository, id: first.output.id });
      assert.ok(closed.kind === "failed" && closed.failure.code === "pull-request-closed", JSON.stringify(closed));
      const waits = await bench.once(waitForMerge, { repository, id: second.output.id });
      assert.ok(waits.kind === "waiting" && waits.reason.includes(second.output.url), JSON.stringify(waits));
      const commit = await lab.merge("deploy", second.output.id);
      const merged = await bench.run(waitForMerge, { repository, id: second.output.id });
      assert.deepEqual(merged, {
        kind: "succeeded",
        output: { commit, url: host.commitUrl(lab.project, "deploy", commit) },
      });
      for (const target of ["seoul", "tokyo"]) {
        bench.nextTask({ id: "t-both" });
        const branch = `gantry/orders/t-both/${target}`;
        await bench.run(commitPush, { repository, directory: "gantry/orders/1", branch, message: target });
        const made = await bench.run(openPullRequest, { ...input, from: branch });
        assert.ok(made.kind === "succeeded", JSON.stringify(made));
        assert.deepEqual(made.output.superseded, [], "pull requests of one task do not close each other");
      }
      await bench.undo(openPullRequest, input, other.output);
      await bench.undo(openPullRequest, input, other.output);
      assert.equal((await host.getPullRequest(lab.project, "deploy", other.output.id)).state, "closed");
    },
  );

  test(named("Gantry merges a pull request when its checks have passed and the host's rules allow it"), async (t) => {
    const { lab, host } = await opened(t);
    const dir = await tempDir(t);
    await writeFile(join(dir, "values.yaml"), "tag: v1\n");
    await lab.seed("deploy", dir);
    await lab.pullRequests.protect(lab.owner, "deploy", "main", 1);
    const bench = await openBench({ systems: [lab.system] });
    t.after(() => bench.close());
    const repository = { project: lab.project, slug: "deploy" };
    const open = async (branch: string, text: string) => {
      bench.nextTask({ id: branch.split("/")[2] ?? "" });
      await bench.run(checkout, { repository, ref: "main", directory: branch });
      await writeFile(join(bench.workspace, branch, "values.yaml"), text);
      const pushed = await bench.run(commitPush, { repository, directory: branch, branch, message: branch });
      const made = await bench.run(openPullRequest, { repository, from: branch, to: "main", title: branch });
      assert.ok(pushed.kind === "succeeded" && made.kind === "succeeded", JSON.stringify([pushed, made]));
      return { repository, id: made.output.id, merge: "gantry", commit: pushed.output.commit };
    };
    const reason = async (input: object, memo?: JsonValue): Promise<string> => {
      const outcome = await bench.once(waitForMerge, input, memo);
      return outcome.kind === "waiting" ? outcome.reason : JSON.stringify(outcome);
    };
    const check = (id: number, name: string, state: "running" | "passed" | "failed") =>
      lab.pullRequests.check(lab.owner, "deploy", id, { name, state });

    const first = await open("gantry/orders/t1/main", "tag: v2\n");
    assert.match(await reason(first), /waits for its checks$/);
    await check(first.id, "lint", "passed");
    await check(first.id, "actions build", "running");
    assert.match(await reason(first), /waits for actions build$/);
    await check(first.id, "actions build", "passed");
    assert.match(await reason(first), /cannot be merged yet: .*approv/);
    lab.pullRequests.approve(lab.owner, "deploy", first.id);
    const later = await open("gantry/orders/t2/main", "tag: v3\n");
    bench.nextTask({ id: "t1" });
    bench.crashAt({ effect: "merge-pull-request", when: "after-perform" });
    await assert.rejects(bench.run(waitForMerge, first));
    const merged = await bench.run(waitForMerge, first);
    assert.ok(merged.kind === "succeeded", JSON.stringify(merged));
    assert.equal(merged.output.url, host.commitUrl(lab.project, "deploy", merged.output.commit));
    await bench.run(checkout, { repository, ref: "main", directory: "after" });
    assert.equal(await readFile(join(bench.workspace, "after", "values.yaml"), "utf8"), "tag: v2\n");

    const refusal = async (input: object): Promise<string> => {
      const outcome = await bench.once(waitForMerge, input);
      assert.ok(outcome.kind === "failed" && outcome.failure.code === "pull-request-refused", JSON.stringify(outcome));
      return outcome.failure.why ?? "";
    };
    await check(later.id, "lint", "failed");
    assert.match(await refusal(later), /the check lint failed/);
    await check(later.id, "lint", "passed");
    lab.pullRequests.approve(lab.owner, "deploy", later.id);
    assert.match(await refusal(later), /conflict|not mergeable|same lines/i);
    await pushAsSomebody(lab, "deploy", { "more.yaml": "tag: evil\n" }, "gantry/orders/t3/main");
    bench.nextTask({ id: "t3" });
    const request = { repository, from: "gantry/orders/t3/main", to: "main", title: "By another hand" };
    const third = await bench.run(openPullRequest, request);
    assert.ok(third.kind === "succeeded", JSON.stringify(third));
    assert.match(await refusal({ ...first, id: third.output.id }), /other commits were pushed/);
    await pushAsSomebody(lab, "deploy", { "values.yaml": "tag: v1\n" }, "production");
    const fourth = await open("gantry/orders/t4/main", "tag: v4\n");
    await check(fourth.id, "lint", "passed");
    lab.pullRequests.redirect(lab.owner, "deploy", fourth.id, "production");
    assert.match(await refusal({ ...fourth, to: "main" }), /leads to the branch production now, not to main/);

    const stranger = lab.pullRequests.openFromFork(lab.owner, "deploy", { from: "gantry/orders/t2/main", to: "main" });
    await check(stranger, "lint", "passed");
    assert.match(await refusal({ ...later, id: stranger }), /comes from another repository/);
    bench.nextTask({ id: "t2" });
    const close = { repository, to: "main", from: "gantry/orders/t2/" };
    const closed = await bench.run(closePullRequests, close);
    assert.deepEqual(closed, { kind: "succeeded", output: { closed: [later.id] } });
    assert.deepEqual((await bench.run(closePullRequests, close)).kind, "succeeded");
    assert.deepEqual(
      (await host.listPullRequests(lab.project, "deploy", "main")).map(({ id }) => id),
      [stranger, third.output.id],
    );
  });
}
