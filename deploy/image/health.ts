// The health check of the image: exit code 0 when the process of this container is healthy or ready, else 1 and a message.
// The three processes with a port are asked over HTTP; a runner has none, so its file is checked. A runner is ready when it
// is registered at the task-agent. One that still waits for that is healthy, too, because a restart would not help.

import { readFileSync, statSync } from "node:fs";
import { get as http } from "node:http";
import { get as https } from "node:https";
import { join } from "node:path";

const TIMEOUT_MS = 4_000;
/** A runner touches its file every 10 seconds. */
const OLDEST_MS = 45_000;
const PROCESSES = ["task-agent", "notify-agent", "portal-api", "task-runner"];

type Env = Readonly<Record<string, string | undefined>>;

export type Question = "health" | "ready";

/** What is wrong with the process; undefined when it is healthy. */
export async function unwell(
  process: string,
  env: Env,
  nowMs: number,
  question: Question = "health",
): Promise<string | undefined> {
  const prefix = `GANTRY_${process.toUpperCase().replaceAll("-", "_")}`;
  if (process === "task-runner") return stuck(join(env[`${prefix}_DATA`] ?? ".", "alive"), nowMs, question);
  const address = `127.0.0.1:${env[`${prefix}_PORT`]}/readyz`;
  try {
    // Whether it has certificates may be in its configuration file only.
    const { status, text } = await ask(`http://${address}`).catch(() => ask(`https://${address}`));
    return status === 200 ? undefined : `${process} answers ${status}: ${text.slice(0, 500)}`;
  } catch (error) {
    return `${process} does not answer at ${address}: ${(error as Error).message}`;
  }
}

/** The certificate is for the name that others use, so it is not checked: this is the same container. */
function ask(url: string): Promise<{ readonly status: number; readonly text: string }> {
  const get = url.startsWith("https:") ? https : http;
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const request = get(url, { rejectUnauthorized: false, signal }, (answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (chunk: string) => {
        text += chunk;
      });
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, text }));
      answer.on("error", reject);
    });
    request.on("error", reject);
  });
}

/** The Gantry process of a command line; undefined for other programs. Arguments are separated by NUL, as in /proc. */
export function processIn(commandLine: string): string | undefined {
  const parts = commandLine.split("\0");
  return PROCESSES.find((name) => parts.some((part) => part === name || part.endsWith(`/${name}/main.ts`)));
}

function stuck(file: string, nowMs: number, question: Question): string | undefined {
  try {
    const age = nowMs - statSync(file).mtimeMs;
    if (age > OLDEST_MS) return `task-runner has not touched ${file} for ${Math.round(age / 1_000)} s`;
    if (question === "health" || readFileSync(file, "utf8") === "registered\n") return undefined;
    return "task-runner: the task-agent has not taken it in; its log says why";
  } catch (error) {
    return `task-runner: ${(error as Error).message}`;
  }
}

if (import.meta.main) {
  const [question, given] = process.argv.slice(2);
  const name = given ?? processIn(readFileSync("/proc/1/cmdline", "utf8"));
  const problem =
    name === undefined
      ? "Which process? See: gantry-entry help"
      : await unwell(name, process.env, Date.now(), question === "ready" ? "ready" : "health");
  if (problem !== undefined) {
    process.stderr.write(`${problem}\n`);
    process.exitCode = 1;
  }
}
