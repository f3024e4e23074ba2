// The builds that CI makes: their numbers, lists and names, and how long they are kept.

import assert from "node:assert/strict";
import { test } from "node:test";
import { appStream } from "../tasks/task-stream.ts";
import { openTasks } from "../tasks/tasks.ts";
import { buildAppend, loadBuild } from "./build-stream.ts";
import { A, B, CD, CI, openBench, refusal } from "./builds.fixture.ts";
import { type BuildQuery, newestBuilds } from "./newest-builds.ts";
import { sweepBuilds } from "./remove-old-builds.ts";

test("every CI that passed is a build, counted from 1, and what the site does not have is left out", async (t) => {
  const { run, builds } = await openBench(t);
  await run("ci", { letter: A });
  await run("ci", { letter: B }, "failed");
  await run("ci", { letter: B, ref: "feature/x" });
  const [second, first] = await builds();
  assert.deepEqual(
    [first?.number, first?.branch, first?.scan, first?.gate, first?.subject],
    [1, "main", { severity: "None" }, undefined, "Mend the till"],
  );
  assert.deepEqual([second?.number, second?.branch, second?.images[0]?.digest], [2, "feature/x", `sha256:${B}`]);
});

test("CI whose build is no build ends errored, and says what is wrong", async (t) => {
  const { run, builds } = await openBench(t, { ci: CI.replace('"sha256:" + params.letter', '"latest"') });
  const { state } = await run("ci", { letter: A });
  assert.equal(state.outcome, "errored");
  assert.match(JSON.stringify(state.failure), /build\.images\.0\.digest: must be sha256:/);
  assert.deepEqual(await builds(), []);
});

test("CIs that end at once, at two agents, get numbers without gaps", async (t) => {
  const { journal, definitions, tasks, start, end, builds } = await openBench(t);
  const other = openTasks(journal, definitions);
  const started = [];
  for (let index = 0; index < 12; index += 1) started.push(await start("ci", { letter: A }));
  await Promise.all(started.map(({ state }, index) => end(state.id, "succeeded", index % 2 === 0 ? tasks : other)));
  assert.deepEqual(
    (await builds()).map(({ number }) => number),
    [12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1],
  );
});

test("an app that was renamed keeps its builds, and one that was forgotten and adopted again starts at 1", async (t) => {
  const { apps, adopt, run, load, builds } = await openBench(t);
  await run("ci", { letter: A });
  await run("ci", { letter: B });
  await apps.rename("orders", "shop", "ada");
  assert.deepEqual(
    (await builds("shop")).map(({ number, app }) => [number, app]),
    [
      [2, "orders"],
      [1, "orders"],
    ],
  );
  await apps.forget("shop", { by: "ada" });
  await adopt();
  assert.equal((await load()).builds, undefined);
  await run("ci", { letter: B });
  assert.deepEqual(
    (await builds()).map(({ number }) => number),
    [1],
  );
});

test("the newest builds of all apps: under the names of now, without forgotten apps, by app and branch, in pages", async (t) => {
  const { journal, apps, adopt, run } = await openBench(t);
  const list = async (query: Omit<BuildQuery, "limit">, limit = 2): Promise<readonly string[]> => {
    const shown: string[] = [];
    for (let cursor: string | undefined; ; ) {
      const page = await newestBuilds(journal, { ...query, limit, cursor });
      shown.push(...page.items.map(({ app, build }) => `${app.name} #${build.number} ${build.branch}`));
      cursor = page.cursor;
      if (cursor === undefined) return shown;
    }
  };
  assert.deepEqual(await list({}), []);
  await run("ci", { letter: A });
  await apps.rename("orders", "shop", "ada");
  await adopt({ targets: [{ name: "test", site: "tokyo", cluster: "tokyo-dp", overlay: "overlays/tokyo" }] });
  await run("ci", { letter: A });
  await run("ci", { letter: B, ref: "feature/x" });
  await run("ci", { letter: B }, "succeeded", "shop");
  const all = ["shop #2 main", "orders #2 feature/x", "orders #1 main", "shop #1 main"];
  for (const limit of [1, 2, 50]) {
    assert.deepEqual(await list({}, limit), all);
    assert.deepEqual(await list({ apps: ["orders", "shop", "shop", "unknown"] }, limit), all);
    assert.deepEqual(await list({ apps: ["shop"] }, limit), ["shop #2 main", "shop #1 main"]);
    assert.deepEqual(await list({ branch: "feature/x" }, limit), ["orders #2 feature/x"]);
  }
  assert.deepEqual(await list({ apps: [] }), []);
  await apps.forget("shop", { by: "ada" });
  assert.deepEqual(await list({}), ["orders #2 feature/x", "orders #1 main"]);
  assert.deepEqual(await list({ apps: ["shop"] }), []);
});

test("a build may be named by a number of JSON, and the image of an older version counts only until the first build", async (t) => {
  const { run, start, journal, load } = await openBench(t);
  const digest = `sha256:${"d".repeat(64)}`;
  const loaded = await appStream.load(journal, "orders");
  const old = { ...(await load()), facts: { digest, image: "harbor/apps/orders" } };
  await journal.append([appStream.append("orders", { expected: loaded?.version ?? 0, state: old })]);
  const { state } = await start("cd", { targets: ["test"] });
  assert.deepEqual([state.build?.number, state.params.build], [0, digest], "a rerun deploys the same image");
  await run("ci", { letter: A });
  const found = await start("cd", { targets: ["test"], build: 1 });
  assert.equal(found.state.build?.number, 1);
  for (const build of ["#0", "0", digest, { a: 1 }] as const)
    assert.equal((await refusal(start("cd", { targets: ["test"], build }))).code, "bad-params", String(build));
  assert.match(
    (await refusal(start("cd", { build: "#0" }))).text,
    /There is no build #0 of orders; its newest build is #1/,
  );
});

test("what is neither a number nor a whole digest is said in words, not by a pattern", async (t) => {
  const { run, start } = await openBench(t, {
    cd: CD.replace(
      'default: "", ui: build',
      'default: "", pattern: "^(#?[0-9]{1,9}|sha256:[0-9a-f]{64})?$", ui: build',
    ),
  });
  await run("ci", { letter: A });
  const short = (await refusal(start("cd", { build: "sha256:abc" }))).text;
  assert.match(short, /"sha256:abc" is not a whole digest, which has sha256: and 64 digits and letters/);
  assert.match(short, /its newest build is #1/);
  assert.doesNotMatch(short, /\[0-9\]/);
  const word = (await refusal(start("cd", { build: "latest" }))).text;
  assert.match(word, /"latest" is neither the number of a build nor the digest of one of its images/);
});

test("of builds with the same image, a digest names that of the release branch", async (t) => {
  const { run, start } = await openBench(t);
  await run("ci", { letter: A });
  await run("ci", { letter: A, ref: "feature/x" });
  const { state } = await start("cd", { targets: ["test"], build: `sha256:${A}` });
  assert.equal(state.build?.number, 1);
});

test("a commit with a very long subject makes a build", async (t) => {
  const ci = CI.replace("subject: Mend the till", `subject: ${"mend ".repeat(200)}`);
  const { run, builds } = await openBench(t, { ci });
  assert.equal((await run("ci", { letter: A })).state.outcome, "succeeded");
  assert.equal((await builds())[0]?.subject?.length, 500);
});

test("only the newest 1,000 builds of an app are kept, and those that run somewhere", async (t) => {
  const { journal, run, load, builds } = await openBench(t);
  await run("ci", { letter: A });
  await run("cd", { targets: ["test"] });
  const app = await load();
  const [first] = await builds();
  assert.ok(first && app.builds);
  const { key } = app.builds;
  const made = Array.from({ length: 1_011 }, (_, index) => buildAppend(key, { ...first, number: index + 2 }));
  for (let at = 0; at < made.length; at += 100) await journal.append(made.slice(at, at + 100));
  const { version = 0 } = (await appStream.load(journal, "orders")) ?? {};
  const full = { ...app, builds: { key, last: 1_012 } };
  await journal.append([appStream.append("orders", { expected: version, state: full })]);
  const deps = { rest: async () => {}, isStopping: () => false };
  assert.equal(await sweepBuilds(journal, { ...deps, nowMs: first.at + 86_400_000 }), 0, "too young");
  assert.equal(await sweepBuilds(journal, { ...deps, nowMs: first.at + 3 * 86_400_000 }), 11);
  assert.deepEqual(
    await Promise.all([1, 2, 12, 13, 1_012].map(async (number) => (await loadBuild(journal, full, number))?.number)),
    [1, undefined, undefined, 13, 1_012],
  );
  assert.equal(await sweepBuilds(journal, { ...deps, nowMs: first.at + 3 * 86_400_000 }), 0);
});
