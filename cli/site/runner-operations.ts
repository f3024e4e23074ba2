// `gantry runner show`, `stop`, `drain` and `undrain`.

import { counted } from "@gantry/core/count.ts";
import { type RunnerDetail, type RunnerJob, runnerDetail, runnerLog } from "@gantry/wire/agent/sites/runners.ts";
import { shortTime, textTable } from "../print/text-table.ts";
import { type Call, type Outcome, UsageError } from "../table/command.ts";

type OfRunner<F = object> = Call<F, readonly [name: string]>;
type Reason = { readonly reason: string };

export async function showRunner({ portal, args: [name] }: OfRunner): Promise<Outcome> {
  const runner = await portal().get(pathOf(name), runnerDetail);
  return { value: runner, text: inWords(runner) };
}

export async function stopRunner({
  portal,
  flags: { reason, now },
  args: [name],
}: OfRunner<Reason & { readonly now: boolean }>): Promise<Outcome> {
  const runner = await portal().post(`${pathOf(name)}/stop`, { reason, now }, runnerDetail);
  const jobs = counted(runner.busy, "job");
  const what = now ? `interrupts its jobs (${jobs}) and ends` : `takes no new jobs, finishes ${jobs} and ends`;
  return { value: runner, text: `${name} ${what}. \`gantry runner show ${name}\` says how far it is.\n` };
}

export async function drainRunner({ portal, flags, args: [name] }: OfRunner<Reason>): Promise<Outcome> {
  const runner = await portal().post(`${pathOf(name)}/drain`, { reason: flags.reason }, runnerDetail);
  const left = `It still runs ${counted(runner.busy, "job")}`;
  return {
    value: runner,
    text: `${name} takes no new jobs. ${left}. \`gantry runner undrain ${name}\` ends this.\n`,
  };
}

export async function undrainRunner({ portal, args: [name] }: OfRunner): Promise<Outcome> {
  const runner = await portal().post(`${pathOf(name)}/undrain`, {}, runnerDetail);
  return { value: runner, text: `${name} takes jobs.\n` };
}

type LogFlags = { readonly latest: boolean; readonly oldest: boolean; readonly lines: string | undefined };

export async function readLog({ portal, flags, args: [name] }: OfRunner<LogFlags>): Promise<Outcome> {
  const { latest, oldest, lines = "200" } = flags;
  if (latest && oldest) throw new UsageError("--latest and --oldest exclude each other");
  if (!/^[1-9]\d{0,3}$/.test(lines) || Number(lines) > 1_000)
    throw new UsageError("--lines must be a whole number from 1 to 1000");
  const address = `${pathOf(name)}/log?from=${oldest ? "oldest" : "latest"}&lines=${lines}`;
  const log = await portal().get(address, runnerLog);
  return { value: log, text: log.lines.length === 0 ? `${name} keeps no lines.\n` : `${log.lines.join("\n")}\n` };
}

function inWords({ name, site, state, version, labels, host, ...rest }: RunnerDetail): string {
  const { busy, slots, asked, registeredAt, lastHeardAt, jobs } = rest;
  const rows = [
    ["site", site],
    ["state", asked ? `${state}, ${asked.state}` : state],
    [asked ? `${asked.state} since` : "", asked ? `${shortTime(asked.at)} UTC, by ${asked.by}: ${asked.reason}` : ""],
    ["version", version],
    ["labels", labels.join(", ")],
    ["host", `${host.name}, ${host.platform}, ${counted(host.cpus, "CPU")}`],
    ["registered", `${shortTime(registeredAt)} UTC`],
    ["last heard", `${shortTime(lastHeardAt)} UTC`],
    ["busy", `${busy} of ${counted(slots, "slot")}`],
  ];
  const hidden = busy - jobs.length;
  const facts = textTable(
    [name, ""],
    rows.filter(([label, value]) => label !== "" && value !== ""),
  );
  const more = hidden > 0 ? `${counted(hidden, "more job")} that you may not see\n` : "";
  const list = jobs.length === 0 ? "It runs no job.\n" : jobsInWords(jobs);
  return `${facts}\n${hidden > 0 && jobs.length === 0 ? "" : list}${more}`;
}

function jobsInWords(jobs: readonly RunnerJob[]): string {
  return textTable(
    ["TASK", "JOB", "ATTEMPT", "PIPELINE", "APP", "SINCE (UTC)", "STEP", "STEP SINCE (UTC)", "LEASE UNTIL (UTC)"],
    jobs.map(({ task, job, attempt, pipeline, app, since, step, lease }) => [
      task,
      job,
      String(attempt),
      pipeline,
      app ?? "",
      shortTime(since),
      step ? `${step.id}${step.state === "waiting" ? " (waits)" : ""}` : "",
      step ? shortTime(step.since) : "",
      lease.endsAt.slice(0, 19).replace("T", " "),
    ]),
  );
}

function pathOf(name: string): string {
  return `/v1/runners/${encodeURIComponent(name)}`;
}
