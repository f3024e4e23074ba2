import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { succeeded, waiting } from "@gantry/core/step/outcome.ts";
import { defineStep, NO_RETRY } from "@gantry/core/step/step.ts";
import { z } from "zod";
import { script, uses } from "./fake-agent.fixture.ts";
import { openTestRunner } from "./runner.fixture.ts";

const greet = defineStep({
  name: "test/greet",
  title: "Greet",
  input: z.strictObject({ name: z.string() }),
  output: z.object({ greeting: z.string() }),
  needs: [],
  acts: () => [],
  effects: [],
  retry: NO_RETRY,
  timeoutMs: 10_000,
  plan: async () => [],
  run: async ({ input, memo, log }) => {
    log(`asked to greet ${input.name}`);
    if (memo === undefined) return waiting("the audience is not quiet", 5, { quiet: true });
    return succeeded({ greeting: `Hello, ${input.name}!` });
  },
});

test("A22: a job with a step and a script runs from offer to report, with exact outputs and logs", async (t) => {
  const { agent, data } = await openTestRunner(t, { steps: [greet] });
  const job = agent.offer({
    steps: [
      uses("hello", "test/greet", { name: "${{ params.who }}" }),
      script("shout", 'printf "to stderr\\n" >&2; printf "%s" "$TEXT"; echo "loud=$TEXT!" >> "$GANTRY_OUTPUT"', {
        env: { TEXT: "${{ steps.hello.outputs.greeting }}" },
      }),
    ],
    outputs: { said: "${{ steps.shout.outputs.loud }}" },
    scope: { params: { who: "Seoul" } },
  });
  const report = await agent.reported(job);

  assert.equal(report.outcome, "succeeded");
  assert.deepEqual(report.outputs, { said: "Hello, Seoul!!" });
  assert.deepEqual(
    job.progress.map(({ kind, step }) => `${step} ${kind}`),
    ["hello step-started", "hello step-waiting", "hello step-ended", "shout step-started", "shout step-ended"],
  );
  assert.equal(
    agent.log(job, "hello"),
    "asked to greet Seoul\n[gantry] waiting: the audience is not quiet\nasked to greet Seoul\n",
  );
  assert.equal(agent.log(job, "shout"), "to stderr\nHello, Seoul!");
  assert.ok(job.logs.get("shout")?.final);
  await agent.until(
    "the folders to be gone",
    () => !existsSync(join(data, "jobs")) || readdirSync(join(data, "jobs")).length === 0,
  );
});

test("a step whose system the site lacks is skipped if the pipeline says so, with the reason, and else ends the job", async (t) => {
  const scan = defineStep({
    name: "test/scan",
    title: "Scan",
    input: z.strictObject({}),
    output: z.object({ url: z.string() }),
    needs: ["harbor"],
    acts: () => [],
    effects: [],
    retry: NO_RETRY,
    timeoutMs: 10_000,
    plan: async () => [],
    run: async ({ system }) => succeeded({ url: system("harbor").url }),
  });
  const { agent } = await openTestRunner(t, { steps: [scan] });
  const optional = agent.offer({
    steps: [{ ...uses("scan", "test/scan", {}), missingSystem: "skip" }, script("next", "true")],
    outputs: { seen: '${{ steps.scan.outputs.?url.orValue("none") }}' },
  });
  const report = await agent.reported(optional);
  assert.deepEqual([report.outcome, report.outputs], ["succeeded", { seen: "none" }]);
  const ended = optional.progress.find(({ kind, step }) => kind === "step-ended" && step === "scan");
  assert.ok(ended?.kind === "step-ended");
  assert.deepEqual([ended.outcome, ended.reason], ["skipped", "Site seoul has no harbor system."]);
  assert.match(agent.log(optional, "scan"), /skipped: Site seoul has no harbor system/);
  const strict = await agent.reported(agent.offer({ steps: [uses("scan", "test/scan", {})] }));
  assert.deepEqual([strict.outcome, strict.failure?.code], ["errored", "system-missing"]);
});

test("secrets are masked everywhere, and the error of a missing secret names its source", async (t) => {
  const { agent, data } = await openTestRunner(t, {
    config: { secrets: { API_KEY: { env: "API_KEY" }, GONE: { file: "/nowhere/gone" } } },
    env: { API_KEY: "tr0ub4dor&3" },
  });
  await writeFile(join(data, "seen"), "");
  const job = agent.offer({
    steps: [
      script(
        "use",
        'printf tr0ub; sleep 0.05; printf "4dor&3 %s\\n" "$KEY"; echo "key=$KEY" >> "$GANTRY_OUTPUT"; exit 0',
        {
          env: { KEY: "${{ secrets.API_KEY }}" },
        },
      ),
      script("miss", "true", { env: { KEY: "${{ secrets.GONE }}" } }),
    ],
  });
  const report = await agent.reported(job);
  assert.equal(agent.log(job, "use"), "*** ***\n");
  assert.ok(!JSON.stringify(job.progress).includes("tr0ub4dor"));
  assert.equal(report.outcome, "errored");
  assert.equal(report.failure?.code, "credential-missing");
  assert.match(report.failure?.why ?? "", /\/nowhere\/gone/);
});
