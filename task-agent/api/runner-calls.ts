// The calls of wire/runner/protocol.ts by their paths: who checks the body and answers. HTTP is elsewhere.

import { GantryError } from "@gantry/core/errors.ts";
import { parse } from "@gantry/runtime/http/problem.ts";
import * as wire from "@gantry/wire/runner/protocol.ts";
import type { z } from "zod";
import type { LogStore } from "../logs/log-store.ts";
import type { RunnerProtocol } from "../runner-protocol/runner-protocol.ts";

export type RunnerCall = {
  readonly path: string;
  /** `body` is what came in, not checked yet; `gone` is aborted when the caller has left. */
  readonly answer: (body: unknown, site: string, gone: AbortSignal) => Promise<object>;
};

export function runnerCalls(protocol: RunnerProtocol): readonly RunnerCall[] {
  const call = <S extends z.ZodType>(
    path: string,
    schema: S,
    answer: (body: z.output<S>, site: string, gone: AbortSignal) => Promise<object>,
  ): RunnerCall => ({ path, answer: (body, site, gone) => answer(parse(schema, body) as z.output<S>, site, gone) });
  return [
    call("session", wire.sessionRequest, protocol.session),
    call("poll", wire.pollRequest, protocol.poll),
    call("claim", wire.claimRequest, protocol.claim),
    call("decline", wire.declineRequest, protocol.decline),
    call("start", wire.startRequest, protocol.start),
    call("heartbeat", wire.heartbeatRequest, protocol.heartbeat),
    call("progress", wire.progressRequest, protocol.progress),
    call("effect/begin", wire.effectBegin, protocol.effectBegin),
    call("effect/end", wire.effectEnd, protocol.effectEnd),
    call("report", wire.reportRequest, protocol.report),
  ];
}

export type LogAddress = {
  readonly task: string;
  readonly job: string;
  readonly attempt: string;
  readonly step: string;
};

/** POST logs/{task}/{job}/{attempt}/{step}: `query` is checked already; `bytes` are read when the caller may write them. */
export async function appendLog(
  { protocol, logs }: { readonly protocol: RunnerProtocol; readonly logs: LogStore },
  { task, job, attempt, step }: LogAddress,
  query: z.output<typeof wire.logQuery>,
  bytes: () => Promise<Buffer>,
  site: string,
): Promise<{ ack: number }> {
  const ref = wire.jobRef.safeParse({ task, job, attempt: Number(attempt), fence: query.fence });
  if (!ref.success || step.length === 0 || step.length > 200)
    throw new GantryError("bad-request", { problem: "the address of the log" });
  await protocol.mayLog(query.session, site, ref.data);
  const name = { task, job, attempt: ref.data.attempt, step };
  return { ack: await logs.append(name, query.offset, await bytes(), query.crc, query.final) };
}
