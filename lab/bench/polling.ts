// Status polling: browsers and scripts request a task repeatedly, with the ETag of the version that they have.

import { AgentProcess, TestBed, TOKEN } from "../processes/agent-process.ts";
import type { Bench } from "./figure.ts";
import { withBareServer } from "./load/bare.ts";
import { Connection } from "./load/connection.ts";
import { type Loaded, load } from "./load/load.ts";
import { NO_OP } from "./load/no-ops.ts";
import { startPortalProcess } from "./load/portal.ts";

const TASKS = 100;
const LINES = 64;
const SECONDS = 3;

export const polling: Bench = async ({ folder }) => {
  const bare = await withBareServer(folder, (url, pid) => poll(url, pid, ["/status"]));
  const bed = await TestBed.open();
  try {
    await bed.pipeline("nothing", NO_OP);
    const agent = await AgentProcess.start(bed);
    const ids = await Promise.all(
      Array.from({ length: TASKS }, async (_, n) => (await agent.start("nothing", `key-${n}`)).id),
    );
    const direct = await poll(
      agent.url,
      agent.child.pid ?? 0,
      ids.map((id) => `/agent/v1/tasks/${id}`),
      TOKEN,
    );
    const portal = await startPortalProcess(bed, agent.url);
    const through = await poll(
      portal.url,
      portal.pid,
      ids.map((id) => `/v1/tasks/${id}`),
      portal.token,
    );
    const note = `${LINES} connections request ${TASKS} unchanged tasks; every answer is a 304`;
    const beside = { name: "bare Koa answering 304", value: bare.perSecond };
    const cpu = { unit: "µs", beside: { name: "bare Koa answering 304", value: bare.cpu } };
    return [
      {
        name: "Status polling with ETag, portal-api",
        value: through.perSecond,
        unit: "/s",
        target: { atLeast: bare.perSecond / 2 },
        beside,
        note,
      },
      { name: "Status polling with ETag, task-agent itself", value: direct.perSecond, unit: "/s", beside, note },
      { name: "CPU of portal-api for each answer", value: through.cpu, ...cpu },
      { name: "CPU of the task-agent for each of its own answers", value: direct.cpu, ...cpu },
    ];
  } finally {
    await bed.close();
  }
};

/** Measures 304 answers of a process. */
async function poll(url: string, pid: number, paths: readonly string[], token?: string): Promise<Loaded> {
  const lines = await Connection.openMany(LINES, url, token);
  const first = lines[0];
  const tags = new Map<string, string>();
  for (const path of paths) {
    const answer = await first?.ask("GET", path);
    tags.set(path, /\r\netag: *(\S+)/i.exec(answer?.head ?? "")?.[1] ?? "");
  }
  const loaded = await load({ workers: LINES, seconds: SECONDS, pid }, async (worker, n) => {
    const path = paths[(worker * 7 + n) % paths.length] ?? "";
    const answer = await lines[worker]?.ask("GET", path, { headers: { "if-none-match": tags.get(path) ?? "" } });
    if (answer?.status !== 304) throw new Error(`${path} was answered ${answer?.status}`);
  });
  for (const line of lines) line.close();
  return loaded;
}
