// A real task-agent with pipelines of a test, a real portal, and the commands of an administrator. No runner is there.

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { startPortal } from "@gantry/portal-api/main.ts";
import { makeLogger } from "@gantry/runtime/process/logger.ts";
import { startTaskAgent } from "@gantry/task-agent/main.ts";
import { runCommand } from "../portal.fixture.ts";

export type AgentAndPortal = {
  /** Temporary; other files of the test may be written there. */
  readonly folder: string;
  /** The folder of the pipeline files, in it. */
  readonly pipelines: string;
  readonly run: (...argv: string[]) => ReturnType<typeof runCommand>;
};

/** Both end after the tests of the file. `files`: pipeline files by name. */
export async function startAgentAndPortal(files: Readonly<Record<string, string>>): Promise<AgentAndPortal> {
  const token = "platform-token-of-this-test";
  const logger = makeLogger("test", "silent");
  const folder = await mkdtemp(join(tmpdir(), "gantry-cli-"));
  const pipelines = join(folder, "pipelines");
  await mkdir(pipelines);
  for (const [name, text] of Object.entries(files)) await writeFile(join(pipelines, name), text);
  const agent = await startTaskAgent(
    { data: join(folder, "agent"), port: 0, portalUrl: "http://portal", token, pipelines, runnerTokens: {} },
    { logger },
  );
  const portal = await startPortal(
    { dataDir: join(folder, "portal"), port: 0, agent: { url: agent.url, token } },
    { logger },
  );
  after(async () => {
    await portal.close();
    await agent.close();
    await rm(folder, { recursive: true });
  });
  const env = { GANTRY_PORTAL: portal.url, GANTRY_TOKEN_FILE: join(folder, "portal/admin-token") };
  return { folder, pipelines, run: (...argv) => runCommand(argv, { env }) };
}
