// What operators ask of runners that work: real processes of runners, a real task-agent and a real portal.

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { makeLogger } from "@gantry/runtime/process/logger.ts";
import type { RunnerDetail, RunnerLog } from "@gantry/wire/agent/sites/runners.ts";
import type { RunnerView } from "@gantry/wire/agent/sites/views.ts";
import type { TaskView } from "@gantry/wire/agent/views.ts";
import { registrationOf } from "@gantry/wire/runner/registration.fixture.ts";
import { createRunnerClient } from "@gantry/wire/runner/runner-client.ts";
import { openPortal } from "../portal.fixture.ts";

const MAIN = fileURLToPath(new URL("../../task-runner/main.ts", import.meta.url));
const runnerToken = "runner-token-of-this-test";
const logger = makeLogger("test", "silent");
/** Says that it runs, and ends when the test wants it. */
const WAIT = "touch ../../../on; until [ -e ../../../go ]; do sleep 0.1; done; touch ../../../finished";
const pipeline = `name: wait\ntitle: Wait\napp: none\njobs:\n  work: { mode: lenient, retrySafe: true, site: seoul, steps: [{ id: hold, title: Hold, run: '${WAIT}' }] }\n`;
const portal = await openPortal({ agent: logger, portal: logger }, { [runnerToken]: "seoul" }, undefined, {
  "wait.yaml": pipeline,
});
const started: ChildProcess[] = [];
after(async () => {
  for (const child of started) if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
  await portal.close();
});
const run = (...argv: string[]) => portal.run("runner", ...argv);

type AuditEntry = {
  readonly verb: string;
  readonly who: { readonly name: string };
  readonly on: { readonly runner?: string };
};
type Process = { readonly child: ChildProcess; readonly data: string; readonly exit: Promise<number | null> };

async function startRunner(name: string): Promise<Process> {
  const data = join(portal.folder, name);
  await mkdir(data, { recursive: true });
  const config = { name, site: "seoul", agent: portal.agentUrl, token: runnerToken, data, isolation: "none" };
  const file = join(portal.folder, `${name}.json`);
  await writeFile(file, JSON.stringify({ ...config, slots: 1, logLevel: "info" }));
  const child = spawn(process.execPath, [MAIN, "--config", file], { stdio: "ignore" });
  started.push(child);
  const exit = once(child, "exit").then(([code]) => code as number | null);
  await until(`${name} to be online`, async () => (await viewOf(name))?.state === "online");
  return { child, data, exit };
}

/** Waits for a condition that other processes bring about. */
async function until<T>(what: string, check: () => Promise<T | undefined | false> | T | undefined | false): Promise<T> {
  for (const end = performance.now() + 60_000; ; await new Promise((resolve) => setTimeout(resolve, 50))) {
    const found = await check();
    if (found) return found;
    if (performance.now() > end) throw new Error(`waited too long for ${what}`);
  }
}

async function viewOf(name: string): Promise<RunnerView | undefined> {
  return (JSON.parse((await run("list", "--json")).out) as RunnerView[]).find((one) => one.name === name);
}

async function show(name: string): Promise<RunnerDetail> {
  return JSON.parse((await run("show", name, "--json")).out) as RunnerDetail;
}

async function startTask(): Promise<string> {
  return (JSON.parse((await portal.run("pipeline", "run", "wait", "--json")).out) as TaskView).id;
}

async function taskOf(id: string): Promise<TaskView> {
  return JSON.parse((await portal.run("task", "show", id, "--json")).out) as TaskView;
}

test("A7: a runner that is stopped takes no new job, finishes what it runs, and its process exits with 0", async () => {
  const { data, exit } = await startRunner("seoul-1");
  const first = await startTask();
  await until("the job to run", () => existsSync(join(data, "on")));
  const shown = await show("seoul-1");
  assert.deepEqual(
    shown.jobs.map(({ task, job, step, lease }) => [task, job, step?.id, step?.state, lease.mode]),
    [[first, "work", "hold", "running", "lenient"]],
  );
  assert.match((await run("show", "seoul-1")).out, new RegExp(`${first} +work +1 +wait`));

  assert.match(
    (await run("stop", "seoul-1", "--reason", "new disk")).out,
    /takes no new jobs, finishes 1 job and ends/,
  );
  const second = await startTask();
  const waits = await until("a reason", async () => (await taskOf(second)).jobs[0]?.waiting);
  assert.equal(waits.code, "drained");
  const stopping = await show("seoul-1");
  assert.deepEqual([stopping.asked?.state, stopping.asked?.reason, stopping.busy], ["stopping", "new disk", 1]);
  await writeFile(join(data, "go"), "");
  assert.equal(await exit, 0);
  assert.ok(existsSync(join(data, "finished")));
  assert.equal((await taskOf(first)).state, "succeeded");
  assert.equal((await taskOf(second)).jobs[0]?.attempt, 0);

  // Its supervisor starts it again: it works as usual.
  const again = await startRunner("seoul-1");
  assert.equal((await until("the second task", async () => ended(await taskOf(second)))).state, "succeeded");
  assert.equal((await show("seoul-1")).asked, undefined);
  await run("stop", "seoul-1", "--reason", "the test is over");
  assert.equal(await again.exit, 0);
});

function ended(task: TaskView): TaskView | false {
  return task.endedAt !== undefined && task;
}

test("A7: a runner that already finishes its jobs can be stopped at once: its job is given back and runs elsewhere", async () => {
  const { data, exit } = await startRunner("seoul-2");
  const task = await startTask();
  await until("the job to run", () => existsSync(join(data, "on")));
  await run("stop", "seoul-2", "--reason", "new disk");
  assert.match((await run("stop", "seoul-2", "--now", "--reason", "it hangs")).out, /interrupts its jobs \(1 job\)/);
  assert.equal((await show("seoul-2")).asked?.to, "stop-now");
  assert.equal(await exit, 0);
  assert.equal(existsSync(join(data, "finished")), false);
  const other = await startRunner("seoul-3");
  await writeFile(join(other.data, "go"), "");
  const done = await until("the task", async () => ended(await taskOf(task)));
  assert.deepEqual(
    [done.state, done.jobs[0]?.attempts.map(({ runner }) => runner)],
    ["succeeded", ["seoul-2", "seoul-3"]],
  );
  await run("stop", "seoul-3", "--reason", "the test is over");
  assert.equal(await other.exit, 0);
});

test("A7: a drained runner gets no job, also after a restart, until it is undrained", async () => {
  const first = await startRunner("seoul-4");
  await writeFile(join(first.data, "go"), "");
  assert.match((await run("drain", "seoul-4", "--reason", "noisy")).out, /takes no new jobs\. It still runs 0 jobs/);
  assert.match((await run()).out, /^seoul-4 +seoul +online, drained +/m);
  first.child.kill("SIGTERM");
  assert.equal(await first.exit, 0);
  const second = await startRunner("seoul-4");
  const task = await startTask();
  await until("a reason", async () => (await taskOf(task)).jobs[0]?.waiting?.code === "drained");
  await run("undrain", "seoul-4");
  assert.equal((await until("the task", async () => ended(await taskOf(task)))).state, "succeeded");
  await run("stop", "seoul-4", "--reason", "the test is over");
  assert.equal(await second.exit, 0);
  await assert.rejects(run("drain", "seoul-4", "--reason", "late"), { code: "conflict" });
});

test("A7: a runner that nobody knows, and one whose version does not know the request, are clear errors", async () => {
  for (const words of [["show"], ["stop", "--reason", "x"], ["drain", "--reason", "x"], ["undrain"]])
    await assert.rejects(run(words[0] ?? "", "seoul-9", ...words.slice(1)), { code: "not-found" });
  const client = createRunnerClient({ url: portal.agentUrl, token: () => runnerToken, fetch });
  await client.session(registrationOf("old-1", "seoul"));
  await assert.rejects(run("stop", "old-1", "--reason", "x"), {
    code: "runner-cannot",
    message: "Runner old-1 cannot be stopped from here.",
  });
  assert.equal((await show("old-1")).asked, undefined);
  await run("drain", "old-1", "--reason", "x");
  assert.equal((await show("old-1")).asked?.state, "drained");
});

test("who stops and drains runners is in the audit log", async () => {
  const { out } = await portal.run("audit", "list", "--json");
  const verbs = (JSON.parse(out) as { verb: string; on: { runner?: string } }[]).map(
    ({ verb, on }) => `${verb} ${on.runner}`,
  );
  for (const expected of ["stop runners seoul-2", "drain runners seoul-4", "undrain runners seoul-4"])
    assert.ok(verbs.includes(expected), verbs.join());
});

test("A7: the own log of a runner is read from either end, without its secrets, and who read it is in the audit log", async () => {
  const { child, exit } = await startRunner("seoul-5");
  const all = JSON.parse((await run("logs", "seoul-5", "--json", "--lines", "1000")).out) as RunnerLog;
  assert.deepEqual([all.from, all.held, all.dropped], ["latest", all.lines.length, 0]);
  const messages = all.lines.map((line) => (JSON.parse(line) as { msg: string }).msg);
  assert.ok(messages.includes("session opened"), messages.join());
  assert.doesNotMatch(all.lines.join(), new RegExp(runnerToken));
  assert.equal((await run("logs", "seoul-5", "--oldest", "--lines", "1")).out, `${all.lines[0]}\n`);
  const latest = (await run("logs", "seoul-5", "--latest", "--lines", "1")).out;
  assert.match(latest, /an operator reads this log/);
  for (const wrong of [
    ["--lines", "0"],
    ["--lines", "1001"],
    ["--oldest", "--latest"],
  ])
    assert.equal((await run("logs", "seoul-5", ...wrong)).code, 2);
  child.kill("SIGTERM");
  assert.equal(await exit, 0);
  const { out } = await portal.run("audit", "list", "--json");
  const read = (JSON.parse(out) as AuditEntry[]).filter(({ verb }) => verb === "read the logs of runners");
  assert.deepEqual([...new Set(read.map(({ who, on }) => `${who.name} ${on.runner}`))], ["admin seoul-5"]);
  await assert.rejects(run("logs", "seoul-9"), { code: "not-found" });
  await assert.rejects(run("logs", "old-1"), { code: "runner-cannot" });
});
