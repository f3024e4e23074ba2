// Programs of steps that do what files of a workspace tell them: scanners, and builders of images.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { STEPS } from "@gantry/connectors/steps.ts";
import { succeeded } from "@gantry/core/step/outcome.ts";
import { defineStep, NO_RETRY } from "@gantry/core/step/step.ts";
import { z } from "zod";
import { script, uses } from "./fake-agent.fixture.ts";
import { openTestRunner, type TestRunner } from "./runner.fixture.ts";
import { type Report, skip } from "./sandbox.fixture.ts";

test("a program of a step that does what the workspace tells it is in the sandbox, too", { skip }, async (t) => {
  const scan = defineStep({
    name: "test/scan",
    title: "Scan",
    input: z.strictObject({ file: z.string() }),
    output: z.object({ text: z.string() }),
    needs: [],
    acts: () => [],
    effects: [],
    retry: NO_RETRY,
    timeoutMs: 10_000,
    plan: async () => [],
    run: async ({ exec, input, workspace }) => {
      const { stdout } = await exec(["sh", join(workspace, "plugin"), input.file], {
        confined: true,
        stdout: "capture",
        env: { TOKEN: "of the scanner" },
      });
      return succeeded({ text: stdout });
    },
  });
  const { agent, data } = await openTestRunner(t, { config: { isolation: "sandbox" }, steps: [scan] });
  const canary = join(data, "canary");
  writeFileSync(canary, "canary-of-the-runner");
  const job = agent.offer({
    steps: [
      script("leave", `echo 'echo "$TOKEN $PWD"; echo hidden >&2; cat "$1" || true' > plugin`),
      uses("scan", "test/scan", { file: canary }),
    ],
    outputs: { text: "${{ steps.scan.outputs.text }}" },
  });
  const report = await agent.reported(job);
  assert.equal(report.outcome, "succeeded", JSON.stringify(report.failure));
  assert.match(String(report.outputs?.text), /^of the scanner .*workspace\n$/);
  assert.match(agent.log(job, "scan"), /hidden\n.*No such file/);
});

const hasBuildah = spawnSync("buildah", ["--version"]).status === 0;
const buildStep = await STEPS["image/build-push"]?.();

/** Builds with Buildah; the registry refuses the image, so the log ends with the build. */
async function buildLog(
  t: TestContext,
  dockerfile: string,
  config: object = {},
): Promise<[string, TestRunner, Report]> {
  assert.ok(buildStep);
  const registry = createServer((_, response) => response.writeHead(400).end("{}"));
  await new Promise<void>((resolve) => registry.listen(0, "127.0.0.1", resolve));
  t.after(() => registry.close());
  const url = `http://127.0.0.1:${(registry.address() as AddressInfo).port}`;
  const runner = await openTestRunner(t, {
    config: {
      isolation: "sandbox",
      systems: { harbor: { kind: "harbor", url, username: "ci", password: "HARBOR" } },
      secrets: { HARBOR: { env: "HARBOR_PASSWORD" } },
      ...config,
    },
    env: { HARBOR_PASSWORD: "canary-password", RUNNER_CANARY: "canary-of-the-runner", PATH: process.env.PATH ?? "" },
    steps: [buildStep],
  });
  writeFileSync(join(runner.data, "canary-file"), "canary-of-the-folder");
  mkdirSync(join(runner.data, "jobs", "other"), { recursive: true });
  writeFileSync(join(runner.data, "jobs", "other", "canary-file"), "canary-of-another-job");
  const root = `mkdir -p root/bin root/proc root/tmp
for program in sh cat ls tr find; do
  cp -L "$(command -v $program)" root/bin/$program
  for lib in $(ldd "$(command -v $program)" | grep -o '/[^ ]*'); do mkdir -p "root$(dirname $lib)"; cp -L $lib root$lib; done
done`;
  const text = `FROM scratch\nCOPY root /\n${dockerfile}`;
  const job = runner.agent.offer({
    steps: [
      script("prepare", `${root}\ncat > Dockerfile <<'END'\n${text}\nEND`),
      uses("build", "image/build-push", { repository: "apps/orders", tags: ["1"], builder: "buildah" }),
    ],
  });
  const report = await runner.agent.reported(job);
  return [runner.agent.log(job, "build"), runner, report];
}

test("commands of a Dockerfile see no environment, file, process or account of the runner or of other jobs", {
  skip: skip || (process.getuid?.() !== 0 && "only a runner that is root has a sandbox for builds") || !hasBuildah,
  timeout: 60_000,
}, async (t) => {
  process.env.GANTRY_TEST_CANARY = "canary-of-this-process";
  t.after(() => delete process.env.GANTRY_TEST_CANARY);
  const [log] = await buildLog(
    t,
    `RUN cat /proc/[0-9]*/environ | tr '\\0' '\\n'; for p in /proc/[0-9]*; do ls $p/root/; find $p/root/tmp $p/root/root $p/root/var -name '*canary*' -o -name config.json -o -name journal.jsonl; done; echo the end
RUN echo x > /proc/sys/kernel/domainname && echo changed; echo survived`,
  );
  assert.match(log, /the end/);
  assert.match(log, /survived/);
  assert.doesNotMatch(log, /canary(?!\*)|image-\w+\/config\.json\n|journal\.jsonl\n|^changed/m);
});

test("a runner may refuse Dockerfiles whose commands it cannot put into the sandbox", {
  skip: skip || !hasBuildah,
}, async (t) => {
  const [, , report] = await buildLog(t, "RUN echo hello", {
    isolation: "none",
    sandbox: { dockerfiles: "sandboxed" },
  });
  assert.equal(report.failure?.code, "builds-refused", JSON.stringify(report.failure));
});

test("network none: Dockerfiles with commands are refused where these would reach the network", { skip }, async (t) => {
  const build = defineStep({
    name: "test/build",
    title: "Build",
    input: z.strictObject({}),
    output: z.object({}),
    needs: [],
    acts: () => [],
    effects: [],
    retry: NO_RETRY,
    timeoutMs: 10_000,
    plan: async () => [],
    run: async ({ exec }) => {
      // A builder that cannot run in a sandbox.
      await exec(["true"], { confined: "image-build" });
      return succeeded({});
    },
  });
  for (const [network, code] of [
    ["full", undefined],
    ["none", "builds-refused"],
  ]) {
    const config = { isolation: "sandbox", sandbox: { network } };
    const { agent } = await openTestRunner(t, { config, steps: [build] });
    const report = await agent.reported(agent.offer({ steps: [uses("build", "test/build", {})] }));
    assert.equal(report.failure?.code, code, JSON.stringify(report.failure));
  }
});

test("variables of the pipeline file reach no program that runs as the runner", async (t) => {
  const show = defineStep({
    name: "test/show",
    title: "Show",
    input: z.strictObject({}),
    output: z.object({ text: z.string() }),
    needs: [],
    acts: () => [],
    effects: [],
    retry: NO_RETRY,
    timeoutMs: 10_000,
    plan: async () => [],
    run: async ({ exec }) => succeeded({ text: (await exec(["env"], { stdout: "capture" })).stdout }),
  });
  const { agent } = await openTestRunner(t, { steps: [show] });
  const job = agent.offer({
    // tar starts the program of the first, and builders those that the second one names.
    env: { TAR_OPTIONS: "--to-command=sh" },
    steps: [uses("show", "test/show", {}, { env: { CONTAINERS_CONF: "evil.conf" } })],
    outputs: { text: "${{ steps.show.outputs.text }}" },
  });
  const report = await agent.reported(job);
  assert.match(String(report.outputs?.text), /^GANTRY_STEP=show$/m);
  assert.doesNotMatch(String(report.outputs?.text), /TAR_OPTIONS|CONTAINERS_CONF/);
});
