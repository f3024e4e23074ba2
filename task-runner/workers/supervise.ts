// Watches over one job in a worker thread. The thread may be blocked by a step, run out of memory or crash: then it is
// ended, what it left open is closed, and the job has ended all the same.

import { GantryError } from "@gantry/core/errors.ts";
import { failureOf } from "@gantry/core/step/outcome.ts";
import type { Outcome } from "@gantry/core/task/states.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import { CLEANUP_MS, LONGEST_ABANDON_MS, outcomeOf, Stopped, timedOut } from "../attempts/stop.ts";
import type { Programs } from "../ports.ts";
import type { Files } from "../state/files.ts";
import { clipFailure } from "../steps/clip.ts";
import { cookieOf } from "../steps/script-env.ts";
import type { JobEvents, JobRequest, JobResult, Signals } from "./job-executor.ts";
import { trackResources } from "./open-resources.ts";
import { errorOf, type FromWorker, plainError, plainStop } from "./worker-messages.ts";
import type { WorkerThreadClient } from "./worker-thread-client.ts";

export type SuperviseDeps = { readonly clock: Clock; readonly files: Files; readonly programs: Programs };

/** A step that has not ended so long after its limit is asked for; a thread that then is silent for so long is blocked. */
const LATE_MS = 500;
const SILENT_MS = 1_500;
const SPARE_MS = 5_000;
const ASK_EVERY_MS = 500;

/** Resolves when nothing of the job runs any more. `isReusable`: the thread can take another job. */
export function superviseJob(
  thread: WorkerThreadClient,
  order: JobRequest,
  told: JobEvents,
  signals: Signals,
  deps: SuperviseDeps,
): Promise<{ readonly result: JobResult; readonly isReusable: boolean }> {
  const { clock } = deps;
  const ledger = trackResources(told, deps);
  const asks = answerAsks(thread, told);
  const patience = createPatience(thread, clock);
  const done = Promise.withResolvers<{ result: JobResult; isReusable: boolean }>();
  let isOver = false;

  const finish = (): boolean => {
    if (isOver) return false;
    isOver = true;
    patience.close();
    asks.close();
    thread.listen(undefined);
    signals.stop.removeEventListener("abort", onStop);
    signals.lost.removeEventListener("abort", onLost);
    return true;
  };
  const breakOff = async (outcome: Outcome, why: Stopped | GantryError): Promise<void> => {
    if (!finish()) return;
    if (!(await thread.terminate())) told.onSurvivor(process.pid);
    const failure = why instanceof Stopped ? why.failure : failureOf(why);
    const line = why instanceof Stopped ? why.message : `${failure?.message ?? ""} ${failure?.why ?? ""}`;
    await ledger.close({ outcome, failure, line, cookie: cookieOf(order.folders) });
    done.resolve({
      result: { outcome, outputs: {}, ...(failure ? { failure: clipFailure(failure) } : {}) },
      isReusable: false,
    });
  };
  const cut = (reason: Stopped): void => void breakOff(outcomeOf(reason), reason).catch(done.reject);
  const crashed = (problem: string): void =>
    void breakOff("errored", new GantryError("internal", { problem })).catch(done.reject);

  const onStop = (): void => {
    const reason = reasonOf(signals.stop);
    thread.post({ k: "stop", reason: plainStop(reason) });
    patience.answerFromNowOn(Math.max(reason.graceMs, SILENT_MS), () => cut(reason));
    patience.endIn(reason.graceMs + LONGEST_ABANDON_MS + CLEANUP_MS + SPARE_MS, () => cut(reason));
  };
  const onLost = (): void => {
    const reason = reasonOf(signals.lost);
    thread.post({ k: "lost", reason: plainStop(reason) });
    patience.answerFromNowOn(Math.max(reason.graceMs, SILENT_MS), () => cut(reason));
    patience.endIn(reason.graceMs + LONGEST_ABANDON_MS + SPARE_MS, () => cut(reason));
  };
  const onMessage = (message: FromWorker): void => {
    if (message.k === "heard") patience.heard(message.id);
    else if (message.k === "begin" || message.k === "give-up" || message.k === "end") asks.take(message);
    else if (message.k === "limit") {
      const { limit } = message;
      patience.stepIn(limit && limit.ms + LATE_MS, () => {
        if (limit) patience.answerIn(SILENT_MS, () => cut(timedOut(`The step “${limit.title}”`, limit.ms)));
      });
    } else if (message.k === "broken") crashed(message.problem);
    else if (message.k === "done") {
      if (finish()) done.resolve({ result: message.result, isReusable: !message.isAbandoned });
    } else ledger.note(message);
  };

  thread.listen({ onMessage, onDeath: crashed });
  thread.post({ k: "job", order });
  signals.stop.addEventListener("abort", onStop, { once: true });
  signals.lost.addEventListener("abort", onLost, { once: true });
  if (signals.lost.aborted) onLost();
  if (signals.stop.aborted) onStop();
  return done.promise;
}

/** Timers about a thread that may be blocked. */
function createPatience(thread: WorkerThreadClient, clock: Clock) {
  const waiting = new Map<number, { readonly cancel: () => void; readonly onHeard: () => void }>();
  let pings = 0;
  let cancelStep = (): void => {};
  let cancelEnd = (): void => {};
  let cancelNext = (): void => {};
  const ask = (ms: number, onSilent: () => void, onHeard: () => void): void => {
    pings += 1;
    waiting.set(pings, { cancel: clock.after(ms, onSilent), onHeard });
    thread.post({ k: "ping", id: pings });
  };
  /** A step may hear that it must stop, and block its thread afterwards. */
  const askAgain = (ms: number, onSilent: () => void): void => {
    cancelNext();
    ask(ms, onSilent, () => {
      cancelNext();
      cancelNext = clock.after(ASK_EVERY_MS, () => askAgain(ms, onSilent));
    });
  };
  return {
    /** Asks the thread for a sign of life; `onSilent` when it gives none in time. */
    answerIn: (ms: number, onSilent: () => void): void => ask(ms, onSilent, () => {}),
    answerFromNowOn: askAgain,
    heard: (id: number): void => {
      const one = waiting.get(id);
      waiting.delete(id);
      one?.cancel();
      one?.onHeard();
    },
    /** One timer for the running step; undefined takes it back. */
    stepIn: (ms: number | undefined, run: () => void): void => {
      cancelStep();
      cancelStep = ms === undefined ? () => {} : clock.after(ms, run);
    },
    endIn: (ms: number, run: () => void): void => {
      cancelEnd();
      cancelEnd = clock.after(ms, run);
    },
    close: (): void => {
      cancelStep();
      cancelEnd();
      cancelNext();
      for (const { cancel } of waiting.values()) cancel();
      waiting.clear();
    },
  };
}

type Ask = Extract<FromWorker, { k: "begin" | "give-up" | "end" }>;

/** Permits are asked for by the thread and given by the supervisor. */
function answerAsks(thread: WorkerThreadClient, { permits }: JobEvents) {
  const open = new Map<number, AbortController>();
  let isClosed = false;
  const answer = async (id: number, work: Promise<Parameters<typeof thread.post>[0]>): Promise<void> => {
    try {
      const message = await work;
      if (!isClosed) thread.post(message);
    } catch (error) {
      if (!isClosed) thread.post({ k: "refused", id, error: plainError(error) });
    } finally {
      open.delete(id);
    }
  };
  return {
    take: (ask: Ask): void => {
      const { id } = ask;
      if (ask.k === "give-up") open.get(id)?.abort(errorOf(ask.reason));
      else if (ask.k === "begin") {
        const control = new AbortController();
        open.set(id, control);
        void answer(
          id,
          permits.begin(ask.wish, control.signal).then((permit) => ({ k: "answer", id, permit })),
        );
      } else
        void answer(
          id,
          permits.end(ask.key, ask.result).then(() => ({ k: "answer", id })),
        );
    },
    close: (): void => {
      isClosed = true;
      for (const control of open.values()) control.abort(new Error("The job has ended."));
    },
  };
}

function reasonOf(signal: AbortSignal): Stopped {
  if (signal.reason instanceof Stopped) return signal.reason;
  throw new Error("a job is stopped with a reason of its own");
}
