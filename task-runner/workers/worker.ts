// The worker thread: carries out the steps of one job after the other. A step may block it or use it up; the supervisor
// (supervise.ts) is in another thread and goes on. Secrets are masked before anything leaves this thread.

import { setPriority } from "node:os";
import { parentPort, workerData } from "node:worker_threads";
import { createMasker, type Masker } from "@gantry/core/mask/masker.ts";
import type { StepBook } from "@gantry/core/step/step.ts";
import { systemClock } from "@gantry/runtime/clock.ts";
import type { Permit, Permits } from "../attempts/permits.ts";
import { untilAborted } from "../ports.ts";
import { machinePrograms } from "../processes/process-group.ts";
import { machineFiles } from "../state/files.ts";
import { performJob } from "./in-process-executor.ts";
import type { JobEvents, JobRequest } from "./job-executor.ts";
import {
  errorOf,
  type FromWorker,
  type Level,
  plainError,
  plainFields,
  stopOf,
  type ToWorker,
} from "./worker-messages.ts";

// On Linux this is about the calling thread and the programs that it starts: when the machine is short of time, leases are
// renewed first. Elsewhere it would slow the supervisor down as well.
if (process.platform === "linux") setPriority(0, 5);

const port = parentPort;
if (!port) throw new Error("worker.ts is started by workshop.ts");
const post = (message: FromWorker): void => port.postMessage(message);

const { STEPS: steps } = (await import((workerData as { steps: string }).steps)) as { STEPS: StepBook };
const tools = { fetch, clock: systemClock, random: Math.random, files: machineFiles, programs: machinePrograms, steps };

type Job = { readonly stop: AbortController; readonly lost: AbortController; readonly masker: Masker };
let job: Job | undefined;
const asks = new Map<number, PromiseWithResolvers<Permit | undefined>>();
let lastAsk = 0;

port.on("message", (message: ToWorker) => {
  if (message.k === "job") void begin(message.order);
  else if (message.k === "stop") job?.stop.abort(stopOf(message.reason));
  else if (message.k === "lost") job?.lost.abort(stopOf(message.reason));
  else if (message.k === "ping") post({ k: "heard", id: message.id });
  else {
    const ask = asks.get(message.id);
    asks.delete(message.id);
    if (message.k === "answer") ask?.resolve(message.permit);
    else ask?.reject(errorOf(message.error));
  }
});

// What a step forgot to catch: nobody knows in which state it left this thread.
process.on("uncaughtException", (error) => {
  post({ k: "broken", problem: said(error) });
  process.exit(1);
});
process.on("unhandledRejection", (error) => {
  post({ k: "broken", problem: said(error) });
  process.exit(1);
});
post({ k: "ready" });

async function begin(order: JobRequest): Promise<void> {
  const mine: Job = { stop: new AbortController(), lost: new AbortController(), masker: createMasker() };
  job = mine;
  let isAbandoned = false;
  const told: JobEvents = {
    tell: (event) => post({ k: "tell", event }),
    openLog: (step, file) => {
      post({ k: "log", step, file });
      return (size, isClosed) => post({ k: "grown", step, size, isClosed });
    },
    permits,
    onGroup: (group) => post({ k: "group", group }),
    onGroupGone: (pgid) => post({ k: "group-gone", pgid }),
    onSurvivor: (pgid) => post({ k: "survivor", pgid }),
    onLimit: (limit) => post({ k: "limit", limit }),
    onAbandoned: () => {
      isAbandoned = true;
    },
    logger: { debug: line("debug"), info: line("info"), warn: line("warn"), error: line("error") },
  };
  try {
    const signals = { stop: mine.stop.signal, lost: mine.lost.signal };
    const result = await performJob(tools, order, told, signals, mine.masker);
    post({ k: "done", result, isAbandoned });
  } catch (error) {
    post({ k: "broken", problem: said(error) });
  }
}

const permits: Permits = {
  begin: async (wish, signal) => {
    lastAsk += 1;
    const id = lastAsk;
    const ask = Promise.withResolvers<Permit | undefined>();
    asks.set(id, ask);
    post({ k: "begin", id, wish });
    const giveUp = (): void => post({ k: "give-up", id, reason: plainError(signal.reason) });
    signal.addEventListener("abort", giveUp, { once: true });
    try {
      const permit = await untilAborted(ask.promise, signal);
      if (!permit) throw new Error("a permit that was asked for is answered with one");
      return permit;
    } finally {
      signal.removeEventListener("abort", giveUp);
    }
  },
  end: async (key, result) => {
    lastAsk += 1;
    const ask = Promise.withResolvers<Permit | undefined>();
    asks.set(lastAsk, ask);
    post({ k: "end", id: lastAsk, key, result });
    await ask.promise;
  },
};

function line(level: Level): (fields: object, text: string) => void {
  return (fields, text) => post({ k: "line", level, fields: plainFields(fields), text });
}

function said(error: unknown): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return job ? job.masker.text(text) : text;
}
