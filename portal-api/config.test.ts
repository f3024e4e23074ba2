// Configuration, and the portal as a process.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { GantryError } from "@gantry/core/errors.ts";
import { readConfig } from "./config.ts";
import { startFakeAgent } from "./fake-agent.fixture.ts";

let dir: string;
before(async () => {
  dir = await mkdtemp(join(tmpdir(), "gantry-portal-config-"));
});
after(() => rm(dir, { recursive: true }));

const TOKEN = "a-token-of-the-platform-plane";

test("the environment is stronger than the file, and secrets can be in files of their own", async () => {
  const file = join(dir, "portal.yaml");
  await writeFile(file, `port: 1\nagent:\n  url: http://agent:7000/\n  token: ${TOKEN}\n`);
  await writeFile(join(dir, "token"), `${TOKEN}-from-file\n`);
  const config = readConfig(file, { GANTRY_PORTAL_PORT: "2", GANTRY_AGENT_TOKEN_FILE: join(dir, "token") });
  assert.deepEqual([config.port, config.agent], [2, { url: "http://agent:7000", token: `${TOKEN}-from-file` }]);
  assert.equal(config.live.recheckMs, 30_000);
});

test("all problems are told at once, and no secret with them", async () => {
  const file = join(dir, "bad.yaml");
  await writeFile(file, "prot: 1\nport: -1\nagent:\n  url: ftp://x\n  token: too-short\n");
  assert.throws(
    () => readConfig(file, {}),
    (error: unknown) => {
      assert.ok(error instanceof GantryError);
      assert.equal(error.code, "config-invalid");
      const places = error.problems.map((problem) => problem.pointer).sort();
      assert.deepEqual(places, ["/agent/token", "/agent/url", "/port", "/prot"]);
      assert.doesNotMatch(JSON.stringify(error.details), /too-short/);
      return true;
    },
  );
  assert.throws(() => readConfig(join(dir, "missing.yaml"), {}), /configuration/);
  assert.throws(() => readConfig(undefined, { GANTRY_AGENT_TOKEN: TOKEN, GANTRY_AGENT_TOKEN_FILE: file }), GantryError);
});

test("as a process: it serves, keeps its tokens over a restart, and ends when it is told to", async () => {
  const agent = await startFakeAgent();
  const file = join(dir, "process.yaml");
  await writeFile(
    file,
    JSON.stringify({ port: 0, dataDir: join(dir, "data"), agent: { url: agent.url, token: agent.token } }),
  );
  const run = async (): Promise<string> => {
    const main = new URL("./main.ts", import.meta.url).pathname;
    const child = spawn(process.execPath, [main, "--config", file], { stdio: ["ignore", "pipe", "inherit"] });
    let url: string | undefined;
    for await (const line of createInterface(child.stdout)) {
      url = (JSON.parse(line) as { url?: string }).url;
      if (url !== undefined) break;
    }
    const token = (await readFile(join(dir, "data", "admin-token"), "utf8")).trim();
    const answer = await fetch(`${url}/v1/me`, { headers: { authorization: `Bearer ${token}`, connection: "close" } });
    assert.equal(((await answer.json()) as { name: string }).name, "admin");
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    assert.deepEqual(await ended, [0, null]);
    return token;
  };
  try {
    assert.equal(await run(), await run());
  } finally {
    await agent.close();
  }
});
