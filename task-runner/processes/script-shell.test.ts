import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { type ShellWanted, takeShell } from "./script-shell.ts";

const WANTED = { processes: 64, memoryMb: 256, path: process.env.PATH ?? "", joined: true };

const skip = process.platform !== "linux" && "only scripts in a sandbox, on Linux, are started so";

type Ran = { readonly code: number; readonly output: string; readonly pid: number };

async function run(script: string, env: Record<string, string> = {}, more: Partial<ShellWanted> = {}): Promise<Ran> {
  const { limits, start } = takeShell({ ...WANTED, variables: Object.keys(env), ...more });
  const child: ChildProcess = start("/bin/sh", ["-c", script], { env });
  const ended = once(child, "exit");
  assert.ok(child.stdout);
  const output = await text(child.stdout);
  const [code] = await ended;
  limits.remove();
  return { code: Number(code), output, pid: child.pid ?? 0 };
}

test("a program gets its exit code, its output in order, an empty input and its variables as they are", {
  skip,
}, async () => {
  const value = `it's "quoted" $HOME \`id\` \\ \n two lines \u00fc*?`;
  const env = { VALUE: value, EMPTY: "", PATH: WANTED.path };
  for (let round = 0; round < 3; round += 1) {
    const { code, output } = await run('echo 1; echo 2 >&2; cat; printf "%s|%s" "$VALUE" "$EMPTY"; exit 7', env);
    assert.deepEqual([code, output], [7, `1\n2\n${value}|`]);
  }
});

test("variables that mean something to a shell are given on as they are", { skip }, async () => {
  const env = { UID: "7", RANDOM: "r", SECONDS: "s", GROUPS: "g", PATH: WANTED.path };
  await run(":");
  const { output } = await run(`exec ${process.execPath} -p 'JSON.stringify(process.env)'`, env);
  const seen = JSON.parse(output);
  assert.deepEqual({ ...seen, ...env }, seen);
});

test("a program leads a group of its own, has the limits, and its signals are those of the shell", {
  skip,
}, async () => {
  const { output, pid } = await run("cat /proc/self/oom_score_adj; ps -o pgid= -p $$ || true; cat /proc/self/cgroup");
  assert.match(output, /^500\n/);
  assert.match(output, new RegExp(`^ *${pid}$`, "m"));
});

test("other limits, and a shell that was killed while it waited, get a new shell", { skip }, async () => {
  await run(":");
  const { output } = await run("echo one", {}, { processes: 65 });
  assert.equal(output, "one\n");
  const children = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, "utf8").trim().split(" ");
  for (const pid of children) process.kill(Number(pid), "SIGKILL");
  assert.equal((await run("echo two")).output, "two\n");
});

test("a shell that got no command ends with its thread and leaves no control group", { skip }, async () => {
  const module = JSON.stringify(new URL("./script-shell.ts", import.meta.url).href);
  const program = `
    const { parentPort } = require("node:worker_threads");
    import(${module}).then(({ takeShell }) => {
      const wanted = ${JSON.stringify({ ...WANTED, variables: [] })};
      const { limits } = takeShell(wanted);
      const { start } = takeShell(wanted);
      start("/bin/true", [], {}).once("exit", () => setTimeout(() => {
        // The one that waits now.
        const next = takeShell(wanted);
        parentPort.postMessage([limits.groups, next.limits.groups]);
      }, 50));
      limits.remove();
    });`;
  const worker = new Worker(program, { eval: true });
  const [[, groups]] = (await once(worker, "message")) as [[string[], string[]]];
  await worker.terminate();
  for (let tries = 0; groups.some((file) => existsSync(dirname(file))) && tries < 200; tries += 1)
    await new Promise((resolve) => setTimeout(resolve, 10));
  assert.deepEqual(
    groups.filter((file) => existsSync(dirname(file))),
    [],
  );
});
