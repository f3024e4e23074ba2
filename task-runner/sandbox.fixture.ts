// A runner that isolates scripts, and what tests of its sandbox share.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import type { TestContext } from "node:test";
import { script } from "./fake-agent.fixture.ts";
import { sandboxProblem } from "./main.ts";
import { openTestRunner, type TestRunner } from "./runner.fixture.ts";

const problem = await sandboxProblem(process.env.PATH ?? "");
/** Why tests of the sandbox cannot run on this machine. */
export const skip = problem === undefined ? false : `no sandbox: ${problem}`;

export type Report = Awaited<ReturnType<TestRunner["agent"]["reported"]>>;

export function sandboxed(t: TestContext, more: object = {}): Promise<TestRunner> {
  return openTestRunner(t, {
    config: { isolation: "sandbox", ...more },
    env: { RUNNER_CANARY: "canary-of-the-runner", PATH: process.env.PATH ?? "" },
  });
}

/** The log of a script, which must have succeeded. */
export async function logOf({ agent }: Pick<TestRunner, "agent">, text: string, more: object = {}): Promise<string> {
  const job = agent.offer({ steps: [script("attack", text, more)] });
  const report = await agent.reported(job);
  assert.equal(report.outcome, "succeeded", JSON.stringify(report.failure));
  return agent.log(job, "attack");
}

/** Ids of the processes of the machine whose command line contains this text; its words are separated by zero bytes. */
export function processesWith(argv: string): readonly string[] {
  return readdirSync("/proc").filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(argv);
    } catch {
      return false; // It ended meanwhile.
    }
  });
}
