// Logs: throughput from a runner over HTTP into the agent's file, with checksums, and the latency of a line from the runner to
// a browser that follows the log.

import { randomUUID } from "node:crypto";
import { writeSync } from "node:fs";
import { open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { ScriptedRunner } from "@gantry/task-agent/runner-protocol/runner.fixture.ts";
import type { JobRef } from "@gantry/wire/runner/protocol.ts";
import { AgentProcess, RUNNER_TOKEN, TestBed } from "../processes/agent-process.ts";
import { type Bench, quantile } from "./figure.ts";
import { withBareServer } from "./load/bare.ts";
import { Connection } from "./load/connection.ts";
import { NO_OP } from "./load/no-ops.ts";
import { startPortalProcess } from "./load/portal.ts";
import { Stream } from "./load/stream.ts";

const CHUNK = 1_048_576;
const CHUNKS = 400;
const STREAMS = 4;
/** The bench sends more at once than a runner may keep for a step. */
const UNLIMITED_LOGS = { stepLogBytes: 4_294_967_296, attemptLogBytes: 4_294_967_296 };
const LINES = 200;

export const logs: Bench = async ({ folder }) => {
  const bare = await bareWrite(folder);
  const koa = await withBareServer(folder, bareServerWrite);
  const bed = await TestBed.open();
  try {
    await bed.pipeline("nothing", NO_OP);
    const agent = await AgentProcess.start(bed, { config: { limits: UNLIMITED_LOGS } });
    const runner = await ScriptedRunner.signIn(agent.url, RUNNER_TOKEN, "seoul", "seoul-1", [], {
      bootId: randomUUID(),
      slots: STREAMS + 1,
    });
    const refs: JobRef[] = [];
    for (let n = 0; n < STREAMS + 1; n += 1) {
      await agent.start("nothing", `key-${n}`);
      const { ref } = await runner.takeJob();
      await runner.start(ref);
      refs.push(ref);
    }
    const ingest = await sendChunks(agent, runner.session, refs.slice(0, STREAMS));
    const [shown] = refs.slice(STREAMS);
    const portal = await startPortalProcess(bed, agent.url);
    const times = shown ? await lineTimes(portal, runner, shown) : [];
    const note = `${LINES} lines, one at a time, from the runner's call to the frame in an event stream of the portal`;
    return [
      {
        name: "Log ingest, runner's HTTP to the agent's file",
        value: ingest,
        unit: "MB/s",
        target: { atLeast: 100 },
        beside: { name: "bare Koa that writes the same bodies to a file", value: koa },
        note: `${CHUNKS} chunks of 1 MiB over ${STREAMS} connections, checksummed on both sides; a write loop: ${bare.toFixed(0)} MB/s; without fsync`,
      },
      { name: "Log line to browser, median", value: quantile(times, 0.5), unit: "ms", note },
      { name: "Log line to browser, p99", value: quantile(times, 0.99), unit: "ms", note },
    ];
  } finally {
    await bed.close();
  }
};

async function bareWrite(folder: string): Promise<number> {
  const bytes = Buffer.alloc(CHUNK, "a line of a log that says nothing\n");
  const file = await open(join(folder, "bare.log"), "w");
  const began = performance.now();
  for (let n = 0; n < CHUNKS; n += 1) writeSync(file.fd, bytes);
  const seconds = (performance.now() - began) / 1_000;
  await file.close();
  return (CHUNKS * CHUNK) / 1e6 / seconds;
}

async function bareServerWrite(url: string): Promise<number> {
  const lines = await Connection.openMany(STREAMS, url);
  const bytes = Buffer.alloc(CHUNK, "a line of a log that says nothing\n");
  const began = performance.now();
  let left = CHUNKS;
  await Promise.all(
    lines.map(async (line) => {
      while (left > 0) {
        left -= 1;
        await line.ask("POST", "/log", { body: bytes });
      }
    }),
  );
  const seconds = (performance.now() - began) / 1_000;
  for (const line of lines) line.close();
  return (CHUNKS * CHUNK) / 1e6 / seconds;
}

async function sendChunks(agent: AgentProcess, session: string, refs: readonly JobRef[]): Promise<number> {
  const lines = await Connection.openMany(refs.length, agent.url, RUNNER_TOKEN);
  const bytes = Buffer.alloc(CHUNK, "a line of a log that says nothing\n");
  const began = performance.now();
  let left = CHUNKS;
  await Promise.all(
    refs.map(async (ref, n) => {
      for (let offset = 0; left > 0; offset += CHUNK) {
        left -= 1;
        const path = `/runner/v1/logs/${ref.task}/${ref.job}/${ref.attempt}/make`;
        const query = `session=${session}&fence=${ref.fence}&offset=${offset}&crc=${crc32(bytes)}&final=false`;
        const headers = { "content-type": "application/octet-stream" };
        const answer = await lines[n]?.ask("POST", `${path}?${query}`, { headers, body: bytes });
        if (answer?.status !== 202) throw new Error(`a chunk was answered ${answer?.status} ${answer?.body}`);
      }
    }),
  );
  const seconds = (performance.now() - began) / 1_000;
  for (const line of lines) line.close();
  const files = await readdir(join(agent.data, "logs"), { recursive: true });
  let size = 0;
  for (const name of files) if (name.endsWith(".log")) size += (await stat(join(agent.data, "logs", name))).size;
  if (size !== CHUNKS * CHUNK) throw new Error(`${size} bytes are on disk instead of ${CHUNKS * CHUNK}`);
  return (CHUNKS * CHUNK) / 1e6 / seconds;
}

async function lineTimes(
  portal: { readonly url: string; readonly token: string },
  runner: ScriptedRunner,
  ref: JobRef,
): Promise<readonly number[]> {
  const path = `/v1/tasks/${ref.task}/jobs/${ref.job}/steps/make/log`;
  const stream = await Stream.open(portal.url, path, portal.token);
  const times: number[] = [];
  let offset = 0;
  for (let n = 0; n < LINES; n += 1) {
    const text = `this is line ${n} of the log`;
    const bytes = Buffer.from(`${text}\n`);
    const came = stream.until(`${text}"`);
    const began = performance.now();
    await runner.log(ref, "make", offset, bytes, crc32(bytes), false);
    times.push((await came) - began);
    offset += bytes.length;
  }
  stream.close();
  return times;
}
