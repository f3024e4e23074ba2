// `gantry task logs`: the logs of a task's steps, as they are or while they are written.

import { setTimeout } from "node:timers/promises";
import { stripVTControlCharacters } from "node:util";
import { GantryError } from "@gantry/core/errors.ts";
import { didYouMean } from "@gantry/core/suggest.ts";
import { isBad, OUTCOMES, type State, type Outcome as StateOutcome } from "@gantry/core/task/states.ts";
import type { TaskView } from "@gantry/wire/agent/views.ts";
import { z } from "zod";
import type { PortalClient } from "../client.ts";
import { EXIT } from "../line/exit-codes.ts";
import { numberOf } from "../line/parse-line.ts";
import { streamFrames } from "../portal/event-stream.ts";
import type { Call } from "../table/command.ts";
import { UsageError } from "../table/command.ts";
import { continues } from "./follow-task.ts";
import { openLogWords } from "./log-words.ts";
import { isLost, RETRY_MS, taskEvents } from "./task-events.ts";
import { taskOf, taskPath } from "./task-of.ts";

type Flags = {
  readonly follow: boolean;
  readonly failed: boolean;
  readonly tail: string | undefined;
  readonly grep: string | undefined;
};
type Names = readonly [task: string | undefined, job: string | undefined, step: string | undefined];

/** A step whose log is wanted. */
type Place = { readonly job: string; readonly step: string; readonly state?: State; readonly attempt?: number };

export async function taskLogs({
  io,
  json,
  portal: open,
  flags,
  args: [id, job, step],
}: Call<Flags, Names>): Promise<number> {
  if (flags.follow && (flags.tail !== undefined || flags.failed))
    throw new UsageError("--follow goes with neither --tail nor --failed");
  const tail = flags.tail === undefined ? undefined : numberOf("tail", flags.tail, 1, 1_000_000);
  const signal = flags.follow ? io.interruption() : undefined;
  const portal = open(signal);
  const task = await taskOf(portal, id);
  checkNames(task, job, step);
  const print = (place: Place, line: string): void => io.stdout(json ? jsonLine(place, line) : line);
  if (signal !== undefined) {
    try {
      await followLogs(portal, task.id, {
        isWanted: (one) => isNamed(one, job, step),
        grep: flags.grep,
        isRaw: json,
        print,
        signal,
      });
      return EXIT.ok;
    } catch (error) {
      if (!signal.aborted) throw error;
      io.stderr(continues(task.id));
      return EXIT.interrupted;
    }
  }
  const places = placesOf(task).filter((one) => isNamed(one, job, step) && (!flags.failed || isBadState(one.state)));
  if (places.length === 0) io.stderr(flags.failed ? "No step failed.\n" : "No step has begun yet.\n");
  let printed = 0;
  for (const place of places) {
    const read = await readLog(portal, task.id, place, flags.grep);
    const lines = json ? read : inWords(read);
    const shown = tail === undefined ? lines : lines.slice(-tail);
    if (!json && places.length > 1) io.stdout(`── ${place.job} › ${place.step}\n`);
    for (const line of shown) print(place, `${line}\n`);
    printed += shown.length;
  }
  if (places.length > 0 && printed === 0) io.stderr(`${noLines(flags.grep, task.id)}\n`);
  return EXIT.ok;
}

function inWords(lines: readonly string[]): readonly string[] {
  const words = openLogWords();
  return lines.map(words).filter((line) => line !== undefined);
}

function noLines(grep: string | undefined, task: string): string {
  if (grep !== undefined) return "No line matches.";
  return `Nothing was written to the log. \`gantry task show ${task}\` says what failed.`;
}

function isBadState(state: State | undefined): boolean {
  return isBad(OUTCOMES.find((one): one is StateOutcome => one === state));
}

function jsonLine({ job, step }: Place, line: string): string {
  return `${JSON.stringify({ job, step, text: line.replace(/\n$/, "") })}\n`;
}

/** Steps that have begun; the others have no log. */
function placesOf({ jobs }: TaskView): readonly Place[] {
  return jobs.flatMap(({ key, steps }) =>
    steps.filter(({ startedAt }) => startedAt !== undefined).map(({ id, state }) => ({ job: key, step: id, state })),
  );
}

/** `deploy` names every `deploy[…]`. */
function isNamed(place: Place, job: string | undefined, step: string | undefined): boolean {
  const isJob = job === undefined || place.job === job || place.job.startsWith(`${job}[`);
  return isJob && (step === undefined || place.step === step);
}

function checkNames({ jobs }: TaskView, job: string | undefined, step: string | undefined): void {
  if (job === undefined) return;
  const named = jobs.filter(({ key }) => isNamed({ job: key, step: "" }, job, undefined));
  const keys = jobs.map(({ key }) => key);
  if (named.length === 0)
    throw new GantryError("not-found", {
      kind: "job",
      name: `${job}${didYouMean(job, keys)}`,
      todo: `The jobs of this task: ${keys.join(", ")}.`,
    });
  const steps = named.flatMap((one) => one.steps.map(({ id }) => id));
  if (step !== undefined && !steps.includes(step))
    throw new GantryError("not-found", {
      kind: "step",
      name: `${step}${didYouMean(step, steps)}`,
      todo: `The steps of ${job}: ${[...new Set(steps)].join(", ")}.`,
    });
}

function logPath(task: string, { job, step, attempt }: Place, grep: string | undefined): string {
  const query = new URLSearchParams({
    ...(grep === undefined ? {} : { grep }),
    ...(attempt === undefined ? {} : { attempt: String(attempt) }),
  });
  return `${taskPath(task)}/jobs/${encodeURIComponent(job)}/steps/${encodeURIComponent(step)}/log?${query}`;
}

/** A step that wrote nothing may have no log. */
async function readLog(
  portal: PortalClient,
  task: string,
  place: Place,
  grep: string | undefined,
): Promise<readonly string[]> {
  const request = { method: "GET", path: logPath(task, place, grep), headers: { accept: "text/plain" } };
  try {
    const text = await (await portal.open(request)).text();
    return text === "" ? [] : text.replace(/\n$/, "").split("\n").map(shown);
  } catch (error) {
    if (error instanceof GantryError && error.code === "not-found") return [];
    throw error;
  }
}

/** Without colours, and as it stands at the end when a program has written over its line. */
function shown(line: string): string {
  return stripVTControlCharacters(line).replace(/\r+$/, "").replace(/^.*\r/, "");
}

type Following = {
  readonly isWanted: (place: Place) => boolean;
  readonly grep: string | undefined;
  /** Commands in the log stay as they are. */
  readonly isRaw: boolean;
  readonly print: (place: Place, line: string) => void;
  readonly signal: AbortSignal;
};

/** Steps run side by side, so each line begins with its step. */
async function followLogs(portal: PortalClient, task: string, following: Following): Promise<void> {
  const streams: Promise<void>[] = [];
  const { signal, isWanted } = following;
  const failed = new AbortController();
  for await (const { data } of taskEvents(portal, task, { signal, onLost: () => {} })) {
    failed.signal.throwIfAborted();
    const { kind, job, step, attempt } = data.event;
    if (kind !== "StepStarted" || typeof job !== "string" || typeof step !== "string") continue;
    const place = { job, step, ...(typeof attempt === "number" ? { attempt } : {}) };
    if (!isWanted(place)) continue;
    const stream = followLog(portal, task, place, following);
    stream.catch((error: unknown) => failed.abort(error));
    streams.push(stream);
  }
  await Promise.all(streams);
}

const logLine = z.object({ n: z.int(), text: z.string() });

/** Resumes after a lost connection; the events of the task decide when to give up. */
async function followLog(portal: PortalClient, task: string, place: Place, following: Following): Promise<void> {
  const { grep, print, signal, isRaw } = following;
  const words = isRaw ? (line: string): string => line : openLogWords();
  for (let last: string | undefined; ; ) {
    const headers = { accept: "text/event-stream", ...(last === undefined ? {} : { "last-event-id": last }) };
    try {
      const response = await portal.open({ method: "GET", path: logPath(task, place, grep), headers, isStream: true });
      for await (const { id, event, data } of streamFrames(response)) {
        last = id ?? last;
        if (event === "end") return;
        const line = event === "message" ? logLine.parse(JSON.parse(data)).text : undefined;
        const said = line === undefined ? undefined : words(shown(line));
        if (said !== undefined) print(place, `${place.job}/${place.step} │ ${said}\n`);
      }
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof GantryError && error.code === "not-found") return;
      if (!isLost(error)) throw error;
    }
    await setTimeout(RETRY_MS, undefined, { signal });
  }
}
