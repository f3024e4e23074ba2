// Artifacts through the front door: pipelines whose jobs save files, and later jobs and people that take them.

import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { appInput } from "@gantry/core/app/app.fixture.ts";
import { pause, systemClock } from "@gantry/runtime/clock.ts";
import { makeLogger } from "@gantry/runtime/process/logger.ts";
import { startTaskAgent } from "@gantry/task-agent/main.ts";
import { startRunner } from "@gantry/task-runner/main.ts";
import { type AgentClient, makeAgentClient } from "@gantry/wire/agent/agent-client.ts";
import type { TaskView } from "@gantry/wire/agent/views.ts";
import { z } from "zod";

const token = "platform-token-of-this-test";
const runnerTokens = { "runner-token-of-seoul": "seoul", "runner-token-of-busan": "busan" };

type Lab = {
  readonly folder: string;
  readonly client: AgentClient;
  /** Runs a pipeline to its end. */
  readonly run: (name: string, params?: Record<string, string>, app?: string) => Promise<TaskView>;
  readonly close: () => Promise<void>;
  readonly log: (task: TaskView, job: string, step: string) => Promise<string>;
};

/** Two runners at seoul, one at busan. `jobs`: the text below `jobs:`, by the name of the pipeline. */
async function openLab(
  jobs: Readonly<Record<string, string>>,
  { apps, limits = {} }: { readonly apps?: readonly string[]; readonly limits?: Readonly<Record<string, number>> } = {},
): Promise<Lab> {
  const folder = await mkdtemp(join(tmpdir(), "gantry-artifacts-"));
  const pipelines = join(folder, "pipelines");
  await mkdir(pipelines);
  for (const [name, text] of Object.entries(jobs))
    await writeFile(join(pipelines, `${name}.yaml`), `name: ${name}\napp: ${apps ? "existing" : "none"}\n${text}`);
  const logger = makeLogger("test", "silent", { write: () => {} });
  const config = { data: join(folder, "agent"), portalUrl: "http://portal", token, runnerTokens, pipelines, limits };
  const agent = await startTaskAgent(config, { logger });
  const runners = await Promise.all(
    (["seoul-1", "seoul-2", "busan-1"] as const).map((name) => {
      const site = name.replace(/-.*/, "");
      return startRunner(
        {
          ...{ name, site, agent: agent.url, data: join(folder, name), isolation: "none" },
          ...{ token: `runner-token-of-${site}`, labels: [name] },
        },
        { logger },
      );
    }),
  );
  const client = makeAgentClient({ url: agent.url, token });
  for (const name of apps ?? []) {
    const targets = [{ name: "seoul", site: "seoul", cluster: "seoul-dp", overlay: `overlays/${name}` }];
    const app = JSON.parse(JSON.stringify(appInput({ targets })));
    await client.adoptApp(name, { principal: "ada", app, dryRun: false });
  }
  let key = 0;
  return {
    folder,
    client,
    close: async () => {
      await Promise.all(runners.map((runner) => runner.close({ drainMs: 0 })));
      await agent.close();
      await rm(folder, { recursive: true });
    },
    run: async (pipeline, params = {}, app) => {
      key += 1;
      const of = app === undefined ? {} : { app };
      const { id } = await client.startTask({
        pipeline,
        params,
        ...of,
        principal: "kim",
        idempotencyKey: `key-${key}`,
      });
      return ended(client, id);
    },
    log: async ({ id }, job, step) => (await client.log({ task: id, job, step }, 0, 1_000_000)).bytes.toString("utf8"),
  };
}

async function ended(client: AgentClient, id: string): Promise<TaskView> {
  for (;;) {
    const view = await client.task(id);
    if (view.endedAt !== undefined) return view;
    await pause(systemClock, 50);
  }
}

const BUILD = `
  build:
    site: seoul
    labels: seoul-1
    artifacts:
      dist: [dist, "!**/*.map"]
      report: { paths: "reports/*.txt", retention: 7d }
    steps:
      - run: |
          mkdir -p dist/js reports
          echo 'console.log(1)' > dist/js/app.js
          echo 'map' > dist/js/app.js.map
          printf '#!/bin/sh\\necho started' > dist/start
          chmod +x dist/start
          echo 'all green' > reports/tests.txt
`;

const PIPELINES = {
  ship: `jobs:${BUILD}
  deploy:
    site: seoul
    labels: seoul-2
    needs: build
    download: build
    steps:
      - run: 'cat dist/js/app.js reports/tests.txt; ./dist/start; ls dist/js'
  mirror:
    site: busan
    needs: build
    download: [{ job: build, artifact: report, to: in/reports }]
    steps:
      - run: 'cat in/reports/reports/tests.txt; test ! -e dist'
`,
  each: `jobs:
  test:
    site: seoul
    each: [a, b]
    artifacts: { log: out.txt }
    steps: [{ run: 'echo "of $E" > out.txt', env: { E: "\${{ each }}" } }]
  all:
    site: seoul
    needs: test
    download: [{ job: test, to: logs }]
    steps: [{ run: "cat logs/a/out.txt logs/b/out.txt" }]
`,
  matrix: `jobs:
  test:
    site: seoul
    matrix: { os: [linux, linux-arm], node: [arm-22, "22"] }
    artifacts: { log: out.txt }
    steps: [{ run: 'echo "$OS with $NODE" > out.txt', env: { OS: "\${{ each.os }}", NODE: "\${{ each.node }}" } }]
  all:
    site: seoul
    needs: test
    download: [{ job: test, to: logs }]
    steps: [{ run: "cat logs/*/out.txt; cat logs/linux,22/out.txt" }]
`,
  latin: `jobs:
  build:
    site: seoul
    artifacts: { dist: dist }
    steps:
      - run: |
          mkdir -p dist "$(printf 'other/\\351')"
          echo ok > dist/ok.txt
          echo odd > "$(printf 'dist/caf\\351.txt')"
`,
  output: `jobs:
  build:
    site: seoul
    labels: seoul-1
    outputs: { report: "\${{ steps.make.outputs.report }}", short: "\${{ steps.make.outputs.short }}" }
    steps:
      - id: make
        run: |
          mkdir out
          head -c 400000 /dev/zero | tr '\\0' x > out/report.txt
          printf 'report@=out/report.txt\\nshort=few words\\n' >> "$GANTRY_OUTPUT"
  read:
    site: busan
    needs: build
    download: [{ job: build, artifact: make.report, to: in }]
    steps: [{ run: 'echo "$SHORT"; wc -c < in/out/report.txt', env: { SHORT: "\${{ needs.build.outputs.short }}" } }]
  misuse:
    site: seoul
    needs: build
    steps: [{ run: "true", env: { TEXT: "it is \${{ needs.build.outputs.report }}" } }]
  misuse-with:
    site: seoul
    needs: build
    steps: [{ uses: artifact/download, with: { job: build, artifact: "\${{ needs.build.outputs.report }}" } }]
`,
  "output-links": `params: { outside: { type: string, required: true } }
jobs:
  file:
    site: seoul
    steps: [{ run: 'ln -s "$OUTSIDE" out.txt; echo report@=out.txt >> "$GANTRY_OUTPUT"', env: { OUTSIDE: "\${{ params.outside }}" } }]
  folder:
    site: seoul
    steps: [{ run: 'ln -s "$(dirname "$OUTSIDE")" out; echo "report@=out/$(basename "$OUTSIDE")" >> "$GANTRY_OUTPUT"', env: { OUTSIDE: "\${{ params.outside }}" } }]
  gone:
    site: seoul
    steps: [{ run: 'echo report@=none.txt >> "$GANTRY_OUTPUT"' }]
  whole:
    site: seoul
    steps: [{ run: 'mkdir out; echo report@=out >> "$GANTRY_OUTPUT"' }]
`,
  long: `jobs:
  build:
    site: seoul
    steps:
      - run: echo x > x
      - uses: artifact/save
        with: { name: x, paths: [x], retention: 400d }
`,
  empty: `jobs:
  build:
    site: seoul
    artifacts: { dist: dist, maybe: { paths: other, optional: true } }
    steps: [{ run: "true" }]
`,
  failing: `params: { ok: { type: string, default: "no" } }
jobs:
  build:
    site: seoul
    artifacts: { dist: dist.txt }
    steps: [{ run: "echo built > dist.txt" }]
  test:
    site: seoul
    needs: build
    download: build
    artifacts: { trace: { paths: trace.txt, when: always } }
    steps: [{ run: "cat dist.txt; echo trace > trace.txt; test -e /tmp/of-this-test-$MARK", env: { MARK: "\${{ params.ok }}" } }]
`,
  links: `params: { outside: { type: string, required: true } }
jobs:
  build:
    site: seoul
    artifacts: { dist: dist }
    steps:
      - run: |
          mkdir -p dist/sub
          echo mine > dist/mine.txt
          ln -s "$OUTSIDE" dist/link.txt
          ln -s "$(dirname "$OUTSIDE")" dist/folder
          mkfifo dist/pipe
        env: { OUTSIDE: "\${{ params.outside }}" }
  into:
    site: seoul
    needs: build
    steps:
      - run: 'ln -s "$(dirname "$OUTSIDE")" out'
        env: { OUTSIDE: "\${{ params.outside }}" }
      - uses: artifact/download
        with: { job: build, to: out }
  over:
    site: seoul
    needs: build
    steps:
      - run: 'mkdir -p out/dist; ln -s "$OUTSIDE" out/dist/mine.txt'
        env: { OUTSIDE: "\${{ params.outside }}" }
      - uses: artifact/download
        with: { job: build, to: out }
      - run: 'ls -l out/dist; cat out/dist/mine.txt'
`,
  unneeded: `params: { from: { type: string, default: build } }
jobs:
  build:
    site: seoul
    artifacts: { dist: dist.txt }
    steps: [{ run: "echo built > dist.txt" }]
  between: { site: seoul, needs: build, steps: [{ run: "true" }] }
  thief:
    site: seoul
    needs: between
    steps: [{ uses: artifact/download, with: { job: "\${{ params.from }}" } }]
`,
  early: `jobs:
  build:
    site: seoul
    labels: seoul-1
    steps:
      - run: echo as-saved > dist.txt
      - uses: artifact/save
        with: { name: dist, paths: [dist.txt] }
      - run: echo changed >> dist.txt
  read:
    site: seoul
    labels: seoul-1
    needs: build
    download: build
    steps: [{ run: "cat dist.txt" }]
`,
  changing: `jobs:
  build:
    site: seoul
    labels: seoul-1
    artifacts: { dist: dist.txt }
    steps: [{ run: "echo as-built > dist.txt" }]
  first:
    site: seoul
    labels: seoul-1
    needs: build
    download: build
    steps: [{ run: "chmod u+w dist.txt; echo changed >> dist.txt; cat dist.txt" }]
  second:
    site: seoul
    labels: seoul-1
    needs: [build, first]
    download: build
    steps: [{ run: "cat dist.txt" }]
`,
};

let lab: Lab;
before(async () => {
  lab = await openLab(PIPELINES);
});
after(() => lab.close());

const stateOf = ({ jobs }: TaskView, key: string) => jobs.find((job) => job.key === key);

test("a later job on another runner, and one at another site, get what a job has saved", async () => {
  const task = await lab.run("ship");
  assert.equal(task.state, "succeeded", JSON.stringify(task.failure));
  const log = await lab.log(task, "deploy", "run");
  assert.match(log, /console\.log\(1\)\nall green\nstarted/);
  assert.match(log, /app\.js\n/);
  assert.doesNotMatch(log, /map/);
  assert.match(await lab.log(task, "mirror", "run"), /all green/);
  assert.match(await lab.log(task, "build", "save-dist"), /Saved 2 files with \d+ bytes as dist, for 30d\./);
  assert.match(await lab.log(task, "mirror", "download-build"), /Downloaded report of build: 1 file with 10 bytes\./);
});

test("of a job with `each`, every element has a folder of its own", async () => {
  const task = await lab.run("each");
  assert.equal(task.state, "succeeded", JSON.stringify(task.failure));
  assert.match(await lab.log(task, "all", "run"), /of a\nof b/);
});

test("of a matrix, every combination has a folder of its own, whatever its names are", async () => {
  const log = await lab.log(await lab.run("matrix"), "all", "run");
  assert.deepEqual(log.trim().split("\n").toSorted(), [
    "linux with 22",
    "linux with 22",
    "linux with arm-22",
    "linux-arm with 22",
    "linux-arm with arm-22",
  ]);
});

test("files whose names are not UTF-8 are left out, and the log names them", async () => {
  const task = await lab.run("latin");
  assert.equal(task.state, "succeeded", JSON.stringify(task.failure));
  assert.match(await lab.log(task, "build", "save-dist"), /Left out.*caf.*\nSaved 1 file with/s);
});

test("an output that is a file is an artifact: another job takes it, and none gets it for text", async () => {
  const task = await lab.run("output");
  const report = { artifact: "make.report", file: "out/report.txt", size: 400_000 };
  const { digest, ...value } = z.looseObject({ digest: z.string() }).parse(stateOf(task, "build")?.outputs.report);
  assert.deepEqual(value, report);
  assert.match(digest, /^sha256:/);
  const [saved] = await lab.client.artifacts(task.id);
  assert.deepEqual([saved?.job, saved?.name, saved?.bytes], ["build", "make.report", 400_000]);
  assert.match(await lab.log(task, "build", "make"), /Saved the output report, out\/report\.txt with 400,?000 bytes/);
  assert.match(await lab.log(task, "read", "run"), /few words\n400000\n/);
  for (const job of ["misuse", "misuse-with"]) {
    const { failure } = stateOf(task, job) ?? {};
    assert.equal(failure?.code, "bad-input", job);
    assert.match(
      JSON.stringify(failure),
      /needs\.build\.outputs\.report is a file of 400,?000 bytes and no text\..*take it with `download`: the artifact make\.report/,
    );
  }
});

test("an output that is a file is no way to what a link leads to", async () => {
  const outside = join(lab.folder, "outside-output.txt");
  await writeFile(outside, "of the runner");
  const task = await lab.run("output-links", { outside });
  for (const [job, problem] of [
    ["file", /out\.txt, which is a link or below one/],
    ["folder", /which is a link or below one/],
    ["gone", /Line 1 .* names none\.txt, which is not in the workspace/],
    ["whole", /names out, which is not a file/],
  ] as const) {
    const { failure } = stateOf(task, job) ?? {};
    assert.equal(failure?.code, "outputs-invalid", job);
    assert.match(failure?.why ?? "", problem);
  }
  assert.deepEqual(await lab.client.artifacts(task.id), []);
});

test("a step keeps an artifact no longer than a job may ask for", async () => {
  const { failure } = await lab.run("long");
  assert.match(JSON.stringify(failure), /retention.*at most 366d/);
});

test("a job fails when there is no file for its artifact, unless it is optional", async () => {
  const task = await lab.run("empty");
  assert.equal(task.state, "failed");
  assert.equal(task.failure?.message, "The artifact dist would be empty: no file matches dist.");
});

test("an artifact of a failed job is saved if it asks for that, and a rerun takes over what succeeded", async () => {
  const first = await lab.run("failing");
  assert.equal(first.state, "failed");
  assert.match(await lab.log(first, "test", "save-trace"), /Saved 1 file with 6 bytes as trace/);
  const { id } = await lab.client.rerun(first.id, { principal: "kim", idempotencyKey: "again", from: "failed" });
  const second = await ended(lab.client, id);
  assert.equal(stateOf(second, "build")?.attempt, 0, "it was taken over");
  assert.match(await lab.log(second, "test", "run"), /built/);
});

test("links of a script lead nowhere: what they point to is neither saved nor written", async () => {
  const outside = join(lab.folder, "outside.txt");
  await writeFile(outside, "of another app");
  const task = await lab.run("links", { outside });
  assert.match(
    await lab.log(task, "build", "save-dist"),
    /Left out, because they are links or no plain files: .*dist\/link\.txt.*\n.*Saved 1 file with 5 bytes/,
  );
  assert.equal(stateOf(task, "into")?.failure?.code, "artifact-unsafe");
  const over = await lab.log(task, "over", "run-2");
  assert.match(over, /mine\n$/);
  assert.doesNotMatch(over, /->|of another app/);
  assert.equal(await readFile(outside, "utf8"), "of another app");
});

test("a job gets nothing of a job that it does not need, whatever its expressions say", async () => {
  const task = await lab.run("unneeded");
  const failure = stateOf(task, "thief")?.failure;
  assert.equal(failure?.code, "artifact-missing");
  assert.match(failure?.why ?? "", /The job thief does not need it/);
});

test("a script that changes its files changes nothing for later jobs on the same runner", async () => {
  const task = await lab.run("changing");
  assert.equal(task.state, "succeeded", JSON.stringify(task.failure));
  assert.match(await lab.log(task, "first", "run"), /as-built\nchanged/);
  assert.doesNotMatch(await lab.log(task, "second", "run"), /changed/);
});

test("people list what was saved, with the time until which it is kept, and read parts of its files", async () => {
  const task = await lab.run("ship");
  const items = await lab.client.artifacts(task.id);
  assert.deepEqual(
    items.map(({ job, name, files, state }) => [job, name, files, state]),
    [
      ["build", "dist", 2, "kept"],
      ["build", "report", 1, "kept"],
    ],
  );
  const days = items.map(({ savedAt, keptUntil }) => (Date.parse(keptUntil) - Date.parse(savedAt)) / 86_400_000);
  assert.deepEqual(days.map(Math.round), [30, 7]);
  const place = { task: task.id, job: "build", name: "dist" };
  const files = await lab.client.artifactFiles(place);
  assert.deepEqual(
    files.map(({ path, executable }) => [path, executable]),
    [
      ["dist/js/app.js", false],
      ["dist/start", true],
    ],
  );
  const part = await lab.client.artifactContent({ ...place, path: "dist/js/app.js" }, 8, 3);
  assert.deepEqual([part.bytes.toString("utf8"), part.size], ["log", 15]);
  await assert.rejects(lab.client.artifactContent({ ...place, path: "../start" }, 0, 9), { code: "not-found" });
  await assert.rejects(lab.client.artifactFiles({ ...place, name: "toString" }), { code: "not-found" });
});

test("what a script changes after a step has saved it is not in the artifact", async () => {
  const task = await lab.run("early");
  assert.equal(task.state, "succeeded", JSON.stringify(task.failure));
  assert.doesNotMatch(await lab.log(task, "read", "run"), /changed/);
});

test("an app that has filled its space at a site is told so, and other apps save on", async () => {
  const save = `params: { text: { type: string, required: true } }
jobs:
  build:
    site: seoul
    artifacts: { dist: dist }
    steps: [{ run: 'mkdir dist; for n in 1 2 3 4; do echo "$TEXT $n" > dist/$n; done', env: { TEXT: "\${{ params.text }}" } }]
`;
  const small = await openLab({ save }, { apps: ["greedy", "modest"], limits: { artifactAppBytes: 100_000 } });
  try {
    const run = (app: string, text: string) => small.run("save", { text }, app);
    assert.equal((await run("greedy", "one")).state, "succeeded");
    assert.equal((await run("greedy", "one")).state, "succeeded", "the same content needs no more space");
    const refused = await run("greedy", "two");
    assert.equal(refused.state, "errored");
    const { message, todo } = refused.failure ?? {};
    assert.match(message ?? "", /the app greedy would have .* of artifacts at site seoul, and may have/);
    assert.match(todo ?? "", /Save less.*retention.*limits.artifactAppBytes/);
    assert.equal((await run("modest", "two")).state, "succeeded");
  } finally {
    await small.close();
  }
});
