// Starts that must fail: a real process, a wrong configuration or environment, and the message that it must print.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const TOKEN = "platform-token-of-this-test";

export type BadStart = {
  readonly process: "task-agent" | "task-runner" | "notify-agent" | "portal-api";
  /** Added to the smallest valid configuration of that process; as text it is the whole file. */
  readonly config?: object | string;
  readonly env?: Readonly<Record<string, string>>;
  /** The user that runs it. */
  readonly uid?: number;
  /** The whole line that it prints, with the folder of the case written as DIR. */
  readonly says: string | RegExp;
};

/** Starts the process, which must end with exit code 2 and one line on stderr. `dir` is the folder of the case. */
export async function startsBadly(
  dir: string,
  { process: name, config = {}, env, uid, says }: BadStart,
): Promise<void> {
  const file = join(dir, `${name}.yaml`);
  await writeFile(file, typeof config === "string" ? config : JSON.stringify({ ...least(name, dir), ...config }));
  const child = spawn(process.execPath, [join(ROOT, name, "main.ts"), "--config", file], {
    env: { PATH: process.env.PATH ?? "", ...env },
    stdio: ["ignore", "ignore", "pipe"],
    ...(uid === undefined ? {} : { uid }),
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  const [code] = (await once(child, "close")) as [number | null];
  const line = said.replaceAll(dir, "DIR");
  assert.match(line, /^[^\n]+\.\n$/, "one line");
  if (typeof says === "string") assert.equal(line, `${says}\n`);
  else assert.match(line, says);
  assert.doesNotMatch(line, /[a-z]+-(token|password)-of-this-test|node:internal/, "no secret and no stack");
  assert.equal(code, 2);
}

/** A folder that is removed after the case. Other users may read it, so that a case can run as another user. */
export async function withFolder(work: (dir: string) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), "gantry-start-"));
  await chmod(dir, 0o755);
  try {
    await work(dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

function least(name: BadStart["process"], dir: string): object {
  const data = join(dir, "data");
  const agent = { url: "http://127.0.0.1:9", token: TOKEN };
  switch (name) {
    case "task-agent":
      return { data, token: TOKEN, portalUrl: "http://portal.invalid", runnerTokens: {}, logLevel: "silent" };
    case "task-runner":
      return { data, name: "seoul-1", site: "seoul", agent: agent.url, token: TOKEN, logLevel: "silent" };
    case "notify-agent":
      return { data, token: TOKEN, agent, logLevel: "silent" };
    case "portal-api":
      return { dataDir: data, port: 0, agent, logLevel: "silent" };
  }
}
