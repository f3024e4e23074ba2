// A portal-api as a separate process in front of a task-agent of the benchmark.

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "../../faults/redis/server.ts";
import { type TestBed, TOKEN } from "../../processes/agent-process.ts";

const PORTAL = fileURLToPath(new URL("../../../portal-api/main.ts", import.meta.url));

export type PortalProcess = { readonly url: string; readonly token: string; readonly pid: number };

/** Resolves when it serves. It ends with the test bed. */
export async function startPortalProcess(bed: TestBed, agentUrl: string): Promise<PortalProcess> {
  const port = await freePort();
  const dataDir = join(bed.folder, "portal");
  await mkdir(dataDir);
  const file = join(bed.folder, "portal.json");
  // All load comes with one token.
  const limits = { requestsPerSecond: 1_000_000, openRequests: 10_000, streams: 10_000, allStreams: 10_000 };
  const config = { port, dataDir, agent: { url: agentUrl, token: TOKEN }, logLevel: "silent", limits };
  await writeFile(file, JSON.stringify(config));
  const child = bed.spawn([process.execPath, PORTAL, "--config", file]);
  const url = `http://127.0.0.1:${port}`;
  const answers = async (): Promise<boolean> => (await fetch(`${url}/readyz`).catch(() => undefined))?.ok === true;
  while (!(await answers())) {
    if (child.exitCode !== null) throw new Error(`the portal ended with ${child.exitCode}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const token = (await readFile(join(dataDir, "admin-token"), "utf8")).trim();
  return { url, token, pid: child.pid ?? 0 };
}
