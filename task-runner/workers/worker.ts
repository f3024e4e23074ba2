// The worker thread: executes jobs one after another. A step may block or exhaust it; the supervisor (supervise.ts) runs in
// another thread and is not affected. Secrets are masked before anything leaves this thread.

import { setPriority } from "node:os";
import { parentPort, workerData } from "node:worker_threads";
import { createMasker, type Masker } from "@gantry/core/mask/masker.ts";
import type { StepBook } from "@gantry/core/step/step.ts";
import { systemClock } from "@gantry/runtime/clock.ts";
import { machinePrograms } from "../processes/process-group.ts";
import { machineFiles } from "../state/files.ts";
import { createJobContext } from "../steps/job-context.ts";
import { runJob } from "../steps/run-job.ts";
import { openSiteMaskers } from "../steps/site-masker.ts";
import type { JobControl, JobRequest } from "./job-executor.ts";
import { requestArtifacts } from "./remote-artifacts.ts";
import { requestPermits } from "./remote-permits.ts";
import { type FromWorker, plainFields, stopOf, type ToWorker } from "./worker-messages.ts";

// On Linux this applies to the calling thread and the programs that it starts: on a busy machine, leases are renewed first.
// On other systems it would also slow down the supervisor.
if (process.platform === "linux") setPriority(0, 5);

const port = parentPort;
if (!port) throw new Error("worker.ts must be started by worker-thread-client.ts");
const post = (message: FromWorker): void => port.postMessage(message);
const emit: JobControl["emit"] = (event) => {
  const plain = event.kind === "runner-log" ? { ...event, fields: plainFields(event.fields) } : event;
  post({ kind: "event", event: plain });
};

const { STEPS: steps } = (await import((workerData as { steps: string }).steps)) as { STEPS: StepBook };
const tools = { fetch, clock: systemClock, random: Math.random, files: machineFiles, programs: machinePrograms, steps };

type Job = { readonly stop: AbortController; readonly lost: AbortController; masker: Masker };
const maskerFor = openSiteMaskers();
let job: Job | undefined;
const { permits, onReply } = requestPermits(post);
const { artifacts, onReply: onArtifacts } = requestArtifacts(post);

port.on("message", (message: ToWorker) => {
  if (message.kind === "job") void run(message.request);
  else if (message.kind === "stop") job?.stop.abort(stopOf(message.reason));
  else if (message.kind === "lost") job?.lost.abort(stopOf(message.reason));
  else if (message.kind === "ping") post({ kind: "pong", id: message.id });
  else if (message.kind === "artifact-reply" || message.kind === "artifact-error") onArtifacts(message);
  else onReply(message);
});

// An error that a step did not catch leaves the thread in an unknown state.
const crash = (error: unknown): void => {
  post({ kind: "crashed", problem: maskedText(error) });
  process.exit(1);
};
process.on("uncaughtException", crash);
process.on("unhandledRejection", crash);
post({ kind: "ready" });

async function run(request: JobRequest): Promise<void> {
  const current: Job = { stop: new AbortController(), lost: new AbortController(), masker: createMasker() };
  job = current;
  try {
    current.masker = await maskerFor(request);
    const control: JobControl = {
      emit,
      permits,
      artifacts,
      stop: current.stop.signal,
      lost: current.lost.signal,
    };
    const result = await runJob(createJobContext(tools, request, control, current.masker));
    post({ kind: "done", result });
  } catch (error) {
    post({ kind: "crashed", problem: maskedText(error) });
  }
}

function maskedText(error: unknown): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return job ? job.masker.text(text) : text;
}
