// `gantry settings` against a real portal and a real task-agent.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { explain, GantryError } from "@gantry/core/errors.ts";
import { startPortal } from "@gantry/portal-api/main.ts";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import { startTaskAgent } from "@gantry/task-agent/main.ts";
import { settings } from "./settings.ts";

const token = "platform-token-of-this-test";
const folder = await mkdtemp(join(tmpdir(), "gantry-cli-settings-"));
const loggerAt = (level: string): Logger => ({
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  level,
});
const [agentLog, portalLog] = [loggerAt("info"), loggerAt("info")];
const agentConfig = { data: join(folder, "agent"), portalUrl: "http://portal", token, runnerTokens: {} };
const agent = await startTaskAgent(agentConfig, { logger: agentLog });
const portalConfig = { dataDir: join(folder, "portal"), port: 0, agent: { url: agent.url, token } };
const portal = await startPortal(portalConfig, { logger: portalLog });
after(async () => {
  await portal.close();
  await agent.close();
  await rm(folder, { recursive: true });
});

async function run(...argv: string[]): Promise<{ readonly code: number; readonly out: string }> {
  let out = "";
  const write = (text: string): void => {
    out += text;
  };
  const io = {
    stdout: write,
    stderr: write,
    readFile: (path: string) => readFileSync(path, "utf8"),
    env: { GANTRY_PORTAL: portal.url, GANTRY_TOKEN_FILE: join(folder, "portal/admin-token") },
    tty: false,
  };
  return { code: await settings(argv, io), out };
}

async function refusal(...argv: string[]): Promise<string> {
  try {
    await run(...argv);
  } catch (error) {
    assert.ok(error instanceof GantryError);
    return explain(error).message;
  }
  throw new Error("nothing was wrong");
}

test("set, get, unset and history work; the portal applies a changed setting", async () => {
  const told = new Promise<void>((resolve) => {
    Object.defineProperty(portalLog, "level", { get: () => "info", set: (to) => to === "debug" && resolve() });
  });
  assert.deepEqual(await run("set", "log.portalApi", "debug", "--why", "a page is slow"), {
    code: 0,
    out: "log.portalApi = debug\n    Log level of the portal-api; one of debug, info, warn, error, silent\n",
  });
  await told;
  assert.match(
    (await run("set", "dispatch.pausedSites", "seoul, tokyo")).out,
    /^dispatch\.pausedSites = seoul,tokyo\n/,
  );
  assert.match((await run("set", "runners.pollSeconds", "10")).out, /^runners\.pollSeconds = 10\n/);
  assert.match((await run("get", "dispatch.jobsPerSite")).out, /= not set \(as many as its runners have slots\)/);
  assert.match((await run("unset", "log.portalApi")).out, /^log\.portalApi = not set/);
  const { out } = await run("history");
  const lines = out.trimEnd().split("\n");
  assert.equal(lines.length, 4);
  assert.match(lines[3] ?? "", /^2\d{3}-\S+Z {2}admin {2}log\.portalApi: not set → debug {2}\(a page is slow\)$/);
  assert.match(lines[0] ?? "", /log\.portalApi: debug → not set$/);
  assert.equal(JSON.parse((await run("get", "--json")).out).version, 4);
});

test("a wrong value, key, argument or token is an error", async () => {
  assert.match(
    await refusal("set", "runners.pollSeconds", "90"),
    /runners\.pollSeconds must be a whole number from 1 to 25, or null/,
  );
  assert.match(
    await refusal("set", "runners.pollSecond", "9"),
    /there is no setting runners\.pollSecond \(did you mean/,
  );
  assert.equal((await run("set", "runners.pollSeconds")).code, 2);
  assert.equal((await run("colour")).code, 2);
  const file = join(folder, "portal/admin-token");
  const right = await readFile(file, "utf8");
  await writeFile(file, "gantry_pat_wrong");
  assert.match(await refusal("get"), /You are not signed in/);
  await writeFile(file, right);
});
