// `gantry settings` against a real portal and a real task-agent.

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { after, test } from "node:test";
import { explain, GantryError } from "@gantry/core/errors.ts";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import { openPortal } from "./portal.fixture.ts";

const loggerAt = (level: string): Logger => ({
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  level,
});
const [agentLog, portalLog] = [loggerAt("info"), loggerAt("info")];
const portal = await openPortal({ agent: agentLog, portal: portalLog });
after(portal.close);
const run = (...argv: string[]) => portal.run("settings", ...argv);

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
  const applied = new Promise<void>((resolve) => {
    Object.defineProperty(portalLog, "level", { get: () => "info", set: (to) => to === "debug" && resolve() });
  });
  assert.deepEqual(await run("set", "log.portalApi", "debug", "--why", "a page is slow"), {
    code: 0,
    out: "log.portalApi = debug\n    Log level of the portal-api; one of debug, info, warn, error, silent\n",
  });
  await applied;
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
  const file = portal.tokenFile;
  const right = await readFile(file, "utf8");
  await writeFile(file, "gantry_pat_wrong");
  assert.match(await refusal("get"), /You are not signed in/);
  await writeFile(file, right);
});
