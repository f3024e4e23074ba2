// Caches of jobs, on a real runner with a checkout that says which branch it has.

import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, rm, stat, truncate, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { STEPS } from "@gantry/connectors/steps.ts";
import { succeeded } from "@gantry/core/step/outcome.ts";
import { type AnyStep, defineStep, NO_RETRY } from "@gantry/core/step/step.ts";
import { z } from "zod";
import { script, uses } from "../fake-agent.fixture.ts";
import { openUnprotectedRunner } from "../runner.fixture.ts";
import { sweepContent } from "./content-folder.ts";

const text = z.string();
const checkout = defineStep({
  name: "git/checkout",
  title: "Check out",
  input: z.strictObject({ branch: text, cloneUrl: text }),
  output: z.object({ branch: text, cloneUrl: text }),
  needs: [],
  acts: () => [],
  effects: [],
  retry: NO_RETRY,
  timeoutMs: 30_000,
  plan: async () => [],
  run: async ({ input }) => succeeded(input),
}) as AnyStep;

type Build = {
  readonly branch?: string;
  readonly app?: string;
  readonly lock?: string;
  readonly run: string;
  readonly paths?: string[];
  readonly key?: string;
  readonly fallback?: string[];
};

/** Runs builds one after the other; each returns its own log and that of its caches. */
async function openBuilds(t: TestContext, limits: object = {}) {
  const load = async (name: string): Promise<AnyStep> => {
    const step = await STEPS[name]?.();
    if (!step) throw new Error(`there is no step ${name}`);
    return step;
  };
  const steps = [checkout, await load("cache/restore"), await load("cache/save")];
  const { agent, data } = await openUnprotectedRunner(t, {
    steps,
    env: { TOKEN_OF_TEST: "s3cr3t-token-of-test" },
    config: { secrets: { NPM: { env: "TOKEN_OF_TEST" } }, limits },
  });
  let count = 0;
  const build = async ({
    branch = "main",
    app = "orders",
    lock = "1",
    run,
    paths = ["deps"],
    key = "",
    fallback = [],
  }: Build) => {
    count += 1;
    const job = agent.offer(
      {
        app,
        scope: { params: {}, app: { name: app, source: { branch: "main" } }, task: { id: "t1" }, site: "seoul" },
        steps: [
          uses("checkout", "git/checkout", { branch, cloneUrl: `https://git.example/${app}.git` }),
          script("lock", `echo ${lock} > lock`),
          uses("restore", "cache/restore", { name: "deps", paths, files: ["lock"], key, fallback }),
          script("build", run),
          uses("save", "cache/save", { name: "deps", paths }),
        ],
      },
      { job: `build-${count}` },
    );
    const { outcome } = await agent.reported(job);
    await agent.until("the logs", () => job.logs.get("save")?.final || outcome !== "succeeded");
    return {
      outcome,
      build: agent.log(job, "build"),
      restored: agent.log(job, "restore"),
      saved: agent.log(job, "save"),
    };
  };
  return { build, data };
}

const SHOW = 'cat deps/one 2>/dev/null || echo none; mkdir -p deps; echo "$GANTRY_JOB" > deps/one';

test("the next build finds what the last one saved, and saves nothing new under the same key", async (t) => {
  const { build } = await openBuilds(t);
  const first = await build({ run: `${SHOW}; ln -s one deps/link; ln -s /etc/passwd deps/out; chmod +x deps/one` });
  assert.equal(first.build, "none\n");
  assert.match(first.restored, /There is no cache yet/);
  assert.match(first.saved, /Saved 2 files with/);
  const second = await build({
    run: `test -x deps/one; test "$(readlink deps/link)" = one; test ! -e deps/out; ${SHOW}`,
  });
  assert.equal(second.outcome, "succeeded");
  assert.equal(second.build, "build-1\n");
  assert.match(second.restored, /saved with the same key/);
  assert.match(second.saved, /nothing new/);
  assert.equal((await build({ run: SHOW })).build, "build-1\n", "the script of the second build has not changed it");
});

test("with other lock files, the newest cache of the key is a start; then that of a fallback", async (t) => {
  const { build } = await openBuilds(t);
  await build({ run: SHOW, key: "node-22" });
  const other = await build({ run: SHOW, key: "node-22", lock: "2" });
  assert.equal(other.build, "build-1\n");
  assert.match(other.restored, /with another key: it may be out of date/);
  assert.equal((await build({ run: SHOW, key: "node-22", lock: "2" })).build, "build-2\n");
  assert.equal((await build({ run: SHOW, key: "node-24" })).build, "none\n");
  assert.match((await build({ run: SHOW, key: "node-26", fallback: ["node-25", "node-24"] })).build, /build-4/);
});

test("a branch starts with the cache of the release branch, and never changes it", async (t) => {
  const { build } = await openBuilds(t);
  await build({ run: SHOW });
  const feature = await build({ branch: "feature/x", run: SHOW, lock: "evil" });
  assert.equal(feature.build, "build-1\n");
  assert.match(feature.saved, /Saved/);
  assert.equal((await build({ branch: "feature/x", run: SHOW, lock: "evil" })).build, "build-2\n");
  assert.equal((await build({ run: SHOW, lock: "evil" })).build, "build-1\n", "the release branch has its own");
  assert.equal((await build({ branch: "feature/y", run: SHOW, lock: "evil" })).build, "build-4\n", "not that of x");
});

test("an app finds nothing of another one", async (t) => {
  const { build } = await openBuilds(t);
  await build({ run: SHOW });
  assert.equal((await build({ app: "payments", run: SHOW })).build, "none\n");
});

test("a failed build saves nothing, and settings with secrets are left out of a cache of the home", async (t) => {
  const { build } = await openBuilds(t);
  await build({ run: `${SHOW}; exit 1` });
  assert.equal((await build({ run: SHOW })).build, "none\n");
  const paths = ["~/.m2"];
  const first = await build({
    paths,
    lock: "home",
    run: 'mkdir -p "$HOME/.m2/repository"; echo jar > "$HOME/.m2/repository/a.jar"; echo "<password>s3cr3t-token-of-test</password>" > "$HOME/.m2/settings.xml"',
  });
  assert.match(first.saved, /Left out, because a secret is in it: \.m2\/settings\.xml/);
  const second = await build({ paths, lock: "home", run: 'cat "$HOME/.m2/repository/a.jar"; ls "$HOME/.m2"' });
  assert.equal(second.build, "jar\nrepository\n");
});

test("long files that need no space fill no disk: neither one of them, nor many, nor those of the key", async (t) => {
  const { build, data } = await openBuilds(t, { diskMb: 4 });
  const before = (await build({ run: SHOW })).outcome;
  const one = await build({ lock: "one", run: "mkdir -p deps; truncate -s 8G deps/a; ln deps/a deps/b" });
  const many = await build({
    lock: "many",
    run: "mkdir -p deps; for n in 1 2 3 4; do echo $n > deps/$n; truncate -s 2M deps/$n; ln deps/$n deps/link-$n; done",
  });
  const key = await build({ lock: "1; truncate -s 8G lock", run: SHOW });
  assert.deepEqual([before, one.outcome, many.outcome, key.outcome], ["succeeded", "errored", "errored", "errored"]);
  const kept = await readdir(join(data, "cache"), { recursive: true, withFileTypes: true });
  const sizes = await Promise.all(kept.map(async (file) => (await stat(join(file.parentPath, file.name))).size));
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  assert.ok(bytes <= 5_000_000, `${bytes} bytes were kept`);
  assert.equal((await build({ run: "cat deps/one" })).build, "build-1\n");
});

test("jobs that save much are not kept for an hour where there is far more than there may be", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "gantry-content-"));
  t.after(() => rm(folder, { recursive: true }));
  await mkdir(join(folder, "aa"));
  const nowMs = Date.now();
  const put = async (name: string, minutesAgo: number): Promise<void> => {
    const path = join(folder, "aa", name);
    await writeFile(path, Buffer.alloc(1_000));
    await utimes(path, nowMs / 1_000 - minutesAgo * 60, nowMs / 1_000 - minutesAgo * 60);
  };
  for (let minutesAgo = 1; minutesAgo <= 30; minutesAgo += 1) await put(`file-${minutesAgo}`, minutesAgo);
  assert.equal(await sweepContent(folder, 10_000, nowMs), false);
  assert.equal((await readdir(join(folder, "aa"))).length, 20, "as long as it may be in use, twice as much");
  await put("old", 90);
  assert.equal(await sweepContent(folder, 20_000, nowMs), true);
  assert.ok(!(await readdir(join(folder, "aa"))).includes("old"));
});

/** As after a crash of the machine, whose disk has the names of files but not all of their content. */
async function cut(data: string, kind: "content" | "caches", length: number): Promise<void> {
  const all = join(data, "cache");
  const found = await readdir(all, { recursive: true, withFileTypes: true });
  const files = found.filter((one) => one.isFile() && one.parentPath.split("/").includes(kind));
  assert.ok(files.length > 0, `${all} has no ${kind}`);
  for (const { parentPath, name } of files) await truncate(join(parentPath, name), length);
}

for (const kind of ["content", "caches"] as const)
  test(`what a crash of the machine has cut is no cache, and the next build saves it again: ${kind}`, async (t) => {
    const { build, data } = await openBuilds(t);
    await build({ run: SHOW });
    await cut(data, kind, 0);
    const second = await build({ run: SHOW });
    assert.deepEqual([second.outcome, second.build], ["succeeded", "none\n"]);
    assert.equal((await build({ run: SHOW })).build, "build-2\n");
  });

test("a file that a crash of the machine has cut is saved whole when a build has it again", async (t) => {
  const { build, data } = await openBuilds(t);
  await build({ run: "mkdir deps; seq 100 > deps/one" });
  await cut(data, "content", 3);
  await build({ run: "mkdir deps; seq 100 > deps/one" });
  assert.equal((await build({ run: "tail -1 deps/one" })).build, "100\n");
});
