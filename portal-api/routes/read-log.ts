// GET /v1/tasks/{id}/jobs/{job}/steps/{step}/log: as text, as numbered lines, or as a stream that follows it.

import { Readable } from "node:stream";
import { GantryError } from "@gantry/core/errors.ts";
import { type Clock, pause } from "@gantry/runtime/clock.ts";
import { clientGoneSignal } from "@gantry/runtime/http/client-gone.ts";
import { LOG_FINAL_HEADER, LOG_SIZE_HEADER } from "@gantry/wire/agent/agent-api.ts";
import type { AgentClient, LogPiece, LogPlace } from "@gantry/wire/agent/agent-client.ts";
import type Koa from "koa";
import { z } from "zod";
import { onTask } from "../access/guards/guards.ts";
import { type Call, callerOf, route } from "../http/route.ts";
import { countQuery, innerId, numberQuery, taskId } from "../http/schemas.ts";
import { frame, type Source, sendStream } from "../live/stream.ts";
import { decideRange } from "../log/decide-range.ts";
import { countBreaks, type Line, readLines } from "../log/lines.ts";

/** Only with `lineNumber=true`. */
const LOG_LINE_HEADER = "Gantry-Log-Line";
const LINES = "application/x-ndjson";
const STREAM = "text/event-stream";
const FIRST = 65_536;

const inStep = z.strictObject({ id: taskId, job: innerId.describe("Key of the job"), step: innerId });
const logQuery = z.strictObject({
  attempt: numberQuery.optional().describe("Attempt of the job. Default: the newest"),
  from: countQuery
    .optional()
    .describe("text/plain: offset of the first byte. Numbered lines: number of the first line, from 1"),
  limit: countQuery.optional().describe("text/plain: number of bytes. Numbered lines: number of lines"),
  lineNumber: z
    .enum(["true"])
    .optional()
    .describe("text/plain with `from`: return the number of the line at that offset in the header Gantry-Log-Line"),
  grep: z.string().min(1).max(200).optional().describe("Only lines that contain this text, ignoring case"),
});
const line = z.object({ n: z.int().describe("Number of the line, from 1"), text: z.string() }).meta({ id: "LogLine" });

type LogCall = Call<z.output<typeof inStep>, z.output<typeof logQuery>, unknown>;

export const readLog = route({
  method: "GET",
  path: "/v1/tasks/{id}/jobs/{job}/steps/{step}/log",
  id: "readLog",
  tag: "tasks",
  summary: "Read the log of a step",
  description:
    "`text/plain` returns bytes, or a part of them with `from` and `limit` or with `Range`. `application/x-ndjson` returns " +
    "numbered lines. `text/event-stream` follows the log until `event: end`, and resumes after `Last-Event-ID`.",
  right: onTask("view-logs"),
  verb: "see logs",
  params: inStep,
  query: logQuery,
  responses: {
    200: {
      description: "The log so far",
      content: { "text/plain": z.string(), [LINES]: line, [STREAM]: line },
      headers: {
        [LOG_SIZE_HEADER]: "Size of the log so far, in bytes",
        [LOG_FINAL_HEADER]: "true when the log is complete",
        [LOG_LINE_HEADER]: "Number of the line at `from`",
      },
    },
    206: { description: "The requested range", content: { "text/plain": z.string() } },
  },
  errors: ["range-outside"],
  handle: async (call: LogCall) => {
    const { ctx, portal, params, query } = call;
    const place = { task: params.id, job: params.job, step: params.step, attempt: query.attempt };
    const reading = { agent: portal.agent, place, signal: AbortSignal.any([clientGoneSignal(ctx), portal.closing]) };
    ctx.vary("Accept");
    const kind = ctx.accepts("text/plain", LINES, STREAM);
    if (kind === STREAM) return follow(call, reading);
    if (query.grep !== undefined || query.lineNumber || (kind === LINES && query.from !== undefined))
      limitSearches(call);
    if (kind === LINES || query.grep !== undefined) await sendLines(call, reading, kind === LINES);
    else await sendBytes(call, reading);
  },
});

/** What reads much of a log and perhaps answers nothing costs more here than at the caller. */
function limitSearches(call: LogCall): void {
  call.ctx.res.once("close", call.portal.limits.openSearch(callerOf(call).name));
}

async function follow(call: LogCall, reading: LogReading): Promise<void> {
  const { ctx, query } = call;
  // When there is no such log, this throws before the stream begins.
  await read(reading, 0, 1);
  const start = readPosition(ctx.get("last-event-id")) ?? { offset: 0, line: 1 };
  const { pingMs, recheckMs } = call.portal.config.live;
  const waitMs = Math.min(pingMs, recheckMs, 20_000);
  const source = logSource(reading, start, {
    from: query.from ?? 1,
    grep: query.grep,
    waitMs,
    clock: call.portal.clock,
  });
  sendStream({ ...call, caller: callerOf(call) }, source);
}

async function sendLines({ ctx, query }: LogCall, reading: LogReading, isJson: boolean): Promise<void> {
  const first = await read(reading, 0, FIRST);
  const wanted = { from: query.from ?? 1, limit: query.limit ?? Number.MAX_SAFE_INTEGER, grep: query.grep };
  const lines = logLines(reading, first, wanted);
  const show = async function* (): AsyncGenerator<string> {
    for await (const { n, text } of lines) yield isJson ? `${JSON.stringify({ n, text })}\n` : `${text}\n`;
  };
  setHeaders(ctx, first, isJson ? LINES : "text/plain; charset=utf-8");
  ctx.body = Readable.from(show(), { objectMode: false });
}

async function sendBytes({ ctx, query }: LogCall, reading: LogReading): Promise<void> {
  const probe = await read(reading, 0, 1);
  const asked = { range: ctx.get("range"), from: query.from, limit: query.limit };
  const range = decideRange(asked, probe.size);
  if (!range) {
    ctx.set("Content-Range", `bytes */${probe.size}`);
    throw new GantryError("range-outside", { size: probe.size });
  }
  const { from, end, isPartial } = range;
  const first = await read(reading, from, Math.max(1, Math.min(FIRST, end - from)));
  setHeaders(ctx, probe, "text/plain; charset=utf-8");
  if (query.lineNumber) ctx.set(LOG_LINE_HEADER, String(await lineNumberAt(reading, from)));
  ctx.set("Accept-Ranges", "bytes");
  if (isPartial) {
    ctx.status = 206;
    ctx.set("Content-Range", `bytes ${from}-${end - 1}/${probe.size}`);
  }
  ctx.body = Readable.from(logBytes(reading, first, end), { objectMode: false });
}

/** A log is the output of any program, so a browser may only show it as text. */
function setHeaders(ctx: Koa.Context, { size, final }: LogPiece, type: string): void {
  ctx.status = 200;
  ctx.type = type;
  ctx.set("Cache-Control", "no-store");
  ctx.set("Content-Security-Policy", "sandbox");
  ctx.set(LOG_SIZE_HEADER, String(size));
  ctx.set(LOG_FINAL_HEADER, String(final));
}

const PIECE = 524_288;
const EMPTY_PAUSE_MS = 250;

type LogReading = {
  readonly agent: AgentClient;
  readonly place: LogPlace;
  readonly signal: AbortSignal;
};

/** The bytes from the piece `first` up to offset `end`, which must not be beyond the end of the log. */
async function* logBytes(reading: LogReading, first: LogPiece, end: number): AsyncGenerator<Buffer> {
  let piece = first;
  let at = first.from;
  while (at < end && piece.bytes.length > 0) {
    yield piece.bytes.subarray(0, end - at);
    at += piece.bytes.length;
    if (at < end) piece = await read(reading, at, Math.min(PIECE, end - at));
  }
}

type LineQuery = {
  /** Number of the first line, from 1. */
  readonly from: number;
  /** The most lines to return. */
  readonly limit: number;
  readonly grep: string | undefined;
};

/** The lines that the log has at present. `first`: its first piece, from offset 0. */
async function* logLines(reading: LogReading, first: LogPiece, query: LineQuery): AsyncGenerator<Line> {
  const lines = readLines(0, 1, query);
  let left = query.limit;
  let piece = first;
  for (;;) {
    const at = piece.from + piece.bytes.length;
    const isEnd = at >= first.size || piece.bytes.length === 0;
    // The last line may be incomplete; its current part is returned.
    for (const line of [...lines.push(piece.bytes), ...(isEnd ? lines.finish() : [])]) {
      if (left === 0) return;
      left -= 1;
      yield line;
    }
    if (isEnd || left === 0) return;
    piece = await read(reading, at, PIECE);
  }
}

/** Where a stream of lines continues. Its event ids are `<offset>-<line>`. */
type LogPosition = { readonly offset: number; readonly line: number };

function readPosition(id: string): LogPosition | undefined {
  const found = /^(\d{1,15})-(\d{1,15})$/.exec(id);
  return found ? { offset: Number(found[1]), line: Number(found[2]) } : undefined;
}

/** Follows the log to its end: a frame per line, then `event: end`. */
function logSource(
  reading: LogReading,
  start: LogPosition,
  query: { readonly from: number; readonly grep: string | undefined; readonly waitMs: number; readonly clock: Clock },
): Source {
  const lines = readLines(start.offset, start.line, query);
  let at = start.offset;
  let isFirst = true;
  let hasEnded = false;
  let isEmpty = false;

  const toFrames = (found: readonly Line[]): string[] =>
    found.map(({ n, text, end }) => frame({ id: `${end}-${n + 1}`, data: { n, text } }));

  return {
    next: async (signal) => {
      if (hasEnded) return undefined;
      const piece = await reading.agent.log(reading.place, at, PIECE, { signal, waitMs: isFirst ? 0 : query.waitMs });
      isFirst = false;
      isEmpty = piece.bytes.length === 0;
      at += piece.bytes.length;
      const frames = toFrames(lines.push(piece.bytes));
      if (!piece.final || at < piece.size) return frames;
      hasEnded = true;
      const { offset, line } = lines.position();
      return [
        ...frames,
        ...toFrames(lines.finish()),
        frame({ event: "end", data: { size: piece.size, offset, line } }),
      ];
    },
    // The task-agent holds the next request until there are bytes. The pause is for an agent that does not.
    wait: (_, signal) => (isEmpty ? pause(query.clock, EMPTY_PAUSE_MS, signal) : Promise.resolve()),
    position: () => {
      const { offset, line } = lines.position();
      return `${offset}-${line}`;
    },
  };
}

/**
 * The number of the line that contains the byte at `offset`: counts the line breaks before it, so it reads that much of the
 * log from the task-agent.
 */
async function lineNumberAt(reading: LogReading, offset: number): Promise<number> {
  let line = 1;
  for (let at = 0; at < offset; ) {
    const { bytes } = await read(reading, at, Math.min(PIECE, offset - at));
    if (bytes.length === 0) break;
    line += countBreaks(bytes);
    at += bytes.length;
  }
  return line;
}

/** One piece, at most `limit` bytes from offset `from`. */
function read({ agent, place, signal }: LogReading, from: number, limit: number): Promise<LogPiece> {
  return agent.log(place, from, limit, { signal });
}
