// Is the process of this container well? Exit code 0 when it is, else 1 and a sentence. The three that serve are asked;
// a runner has no port, so the age of the file that it touches tells.

import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";

const TIMEOUT_MS = 4_000;
/** A runner touches its file every 10 seconds. */
const OLDEST_MS = 45_000;
const PROCESSES = ["task-agent", "notify-agent", "portal-api", "task-runner"];

type Env = Readonly<Record<string, string | undefined>>;

/** What is wrong with the process, or undefined when it is well. */
export async function unwell(process: string, env: Env, nowMs: number): Promise<string | undefined> {
  const prefix = `GANTRY_${process.toUpperCase().replaceAll("-", "_")}`;
  if (process === "task-runner") return stuck(join(env[`${prefix}_DATA`] ?? ".", "alive"), nowMs);
  const url = `http://127.0.0.1:${env[`${prefix}_PORT`]}/readyz`;
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    return answer.ok ? undefined : `${process} answers ${answer.status}: ${(await answer.text()).slice(0, 500)}`;
  } catch (error) {
    return `${process} does not answer at ${url}: ${(error as Error).message}`;
  }
}

/** The process that a command line starts, if it is one of ours. Its parts are separated by NUL, as in /proc. */
export function processIn(commandLine: string): string | undefined {
  const parts = commandLine.split("\0");
  return PROCESSES.find((name) => parts.some((part) => part === name || part.endsWith(`/${name}/main.ts`)));
}

function stuck(file: string, nowMs: number): string | undefined {
  try {
    const age = nowMs - statSync(file).mtimeMs;
    return age <= OLDEST_MS ? undefined : `task-runner has not touched ${file} for ${Math.round(age / 1_000)} s`;
  } catch (error) {
    return `task-runner: ${(error as Error).message}`;
  }
}

if (import.meta.main) {
  const name = process.argv[2] ?? processIn(readFileSync("/proc/1/cmdline", "utf8"));
  const problem =
    name === undefined ? "Which process? See: gantry-entry help" : await unwell(name, process.env, Date.now());
  if (problem !== undefined) {
    process.stderr.write(`${problem}\n`);
    process.exitCode = 1;
  }
}
