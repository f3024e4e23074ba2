// The configuration, and the portal as a process.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { GantryError } from "@gantry/core/errors.ts";
import { type PortalConfigInput, parseConfig } from "./config.ts";
import { startFakeAgent } from "./fake-agent.fixture.ts";

let dir: string;
before(async () => {
  dir = await mkdtemp(join(tmpdir(), "gantry-portal-config-"));
});
after(() => rm(dir, { recursive: true }));

test("all problems are reported together, without secrets", () => {
  const bad = { prot: 1, port: -1, agent: { url: "ftp://x", token: "too-short" } } as unknown as PortalConfigInput;
  assert.throws(
    () => parseConfig(bad),
    (error: unknown) => {
      assert.ok(error instanceof GantryError);
      assert.equal(error.code, "config-invalid");
      const places = error.problems.map((problem) => problem.pointer).sort();
      assert.deepEqual(places, ["/agent/token", "/agent/url", "/port", "/prot"]);
      assert.doesNotMatch(JSON.stringify(error.details), /too-short/);
      return true;
    },
  );
});

test("missing values have defaults", () => {
  const config = parseConfig({ agent: { url: "http://agent:7000/", token: "a-token-of-the-platform-plane" } });
  assert.deepEqual([config.port, config.agent.url, config.live.recheckMs], [3000, "http://agent:7000", 30_000]);
});

test("whoever signs in may see everything without a policy file, and nothing but what the policy gives with one", () => {
  const agent = { url: "http://agent:7000/", token: "a-token-of-the-platform-plane" };
  const access = { policy: "policy.yaml" };
  assert.equal(parseConfig({ agent }).signIn.defaultRole, "viewer");
  assert.equal(parseConfig({ agent, access }).signIn.defaultRole, "none");
  assert.equal(parseConfig({ agent, access, signIn: { defaultRole: "viewer" } }).signIn.defaultRole, "viewer");
});

test("as a process it serves, keeps its tokens across a restart, and exits on a signal", async () => {
  const agent = await startFakeAgent();
  const file = join(dir, "process.yaml");
  await writeFile(file, JSON.stringify({ port: 0, dataDir: join(dir, "data"), agent: { url: agent.url } }));
  const tokenFile = join(dir, "agent-token");
  await writeFile(
    tokenFile,
    `${agent.token}
`,
  );
  const run = async (): Promise<string> => {
    const main = new URL("./main.ts", import.meta.url).pathname;
    const child = spawn(process.execPath, [main, "--config", file], {
      stdio: ["ignore", "pipe", "inherit"],
      env: { GANTRY_PORTAL_API_AGENT_TOKEN_FILE: tokenFile },
    });
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
