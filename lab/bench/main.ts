// `npm run bench`: measures Gantry on this machine, next to reference values. Prints a table, or JSON with --json; `--only NAME`
// or NAME alone runs one benchmark.

import { mkdtemp, rm } from "node:fs/promises";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { dispatch } from "./dispatch.ts";
import { type Bench, type Figure, meets } from "./figure.ts";
import { fleet } from "./fleet.ts";
import { footprint } from "./footprint.ts";
import { idleRunners } from "./idle-runners.ts";
import { jobs } from "./jobs.ts";
import { largePipeline } from "./large-pipeline.ts";
import { lists } from "./lists.ts";
import { logs } from "./logs.ts";
import { masker } from "./masker.ts";
import { polling } from "./polling.ts";
import { queued } from "./queued.ts";
import { redis } from "./redis.ts";
import { retention } from "./retention.ts";
import { sandbox } from "./sandbox.ts";
import { streams } from "./streams.ts";
import { transitions } from "./transitions.ts";
import { webhooks } from "./webhooks.ts";

const BENCHES: Readonly<Record<string, Bench>> = {
  dispatch,
  "idle-runners": idleRunners,
  fleet,
  footprint,
  jobs,
  redis,
  transitions,
  "large-pipeline": largePipeline,
  queued,
  sandbox,
  logs,
  masker,
  polling,
  streams,
  lists,
  retention,
  webhooks,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: "boolean", default: false }, only: { type: "string", multiple: true } },
});
const named = [...(values.only ?? []), ...positionals];
const wanted = named.length > 0 ? named : Object.keys(BENCHES);
const unknown = wanted.filter((name) => !Object.hasOwn(BENCHES, name));
if (unknown.length > 0) {
  process.stderr.write(
    `Unknown benchmark: ${unknown.join(", ")}. Known benchmarks: ${Object.keys(BENCHES).join(", ")}.\n`,
  );
  process.exit(2);
}

const machine = {
  cpu: cpus()[0]?.model ?? "unknown",
  cores: cpus().length,
  node: process.version,
  date: new Date().toISOString(),
  /** Load average of the minute before. When it is above the number of cores, figures are worse than on an idle machine. */
  load: Math.round((loadavg()[0] ?? 0) * 10) / 10,
};
if (!values.json) printHead();
const done: { benchmark: string; seconds: number; figures: readonly Figure[] }[] = [];
for (const name of wanted) {
  const bench = BENCHES[name];
  if (!bench) continue;
  const folder = await mkdtemp(join(tmpdir(), `gantry-bench-${name}-`));
  const began = performance.now();
  try {
    const figures = await bench({ folder });
    const seconds = Math.round((performance.now() - began) / 100) / 10;
    done.push({ benchmark: name, seconds, figures });
    if (!values.json) printFigures(name, seconds, figures);
  } catch (error) {
    // The other benchmarks still run.
    process.stderr.write(
      `-- ${name} could not be measured: ${error instanceof Error ? error.message : String(error)}\n`,
    );
    process.exitCode = 1;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
if (values.json) {
  const figures = done.flatMap(({ benchmark, figures }) =>
    figures.map((figure) => ({ benchmark, ...figure, met: meets(figure) })),
  );
  const took = done.map(({ benchmark, seconds }) => ({ benchmark, seconds }));
  process.stdout.write(`${JSON.stringify({ machine, figures, took }, null, 2)}\n`);
}

function printHead(): void {
  const { cpu, cores, node, load } = machine;
  process.stdout.write(`${cpu}, ${cores} cores, Node ${node}, load before ${load}\n\n`);
  process.stdout.write(`${row("figure", "measured", "target", "", "reference")}\n`);
}

function printFigures(name: string, seconds: number, figures: readonly Figure[]): void {
  process.stdout.write(`-- ${name} (${seconds.toFixed(1)} s)\n`);
  for (const figure of figures) {
    const { target, beside, unit } = figure;
    const wanted =
      target && ("atLeast" in target ? `>= ${shown(target.atLeast, unit)}` : `<= ${shown(target.atMost, unit)}`);
    const met = meets(figure);
    const verdict = met === undefined ? "" : met ? "ok" : "MISSED";
    const peer = beside ? `${shown(beside.value, unit)}  ${beside.name}` : "";
    process.stdout.write(`${row(figure.name, shown(figure.value, unit), wanted ?? "", verdict, peer)}\n`);
    if (figure.note) process.stdout.write(`    ${figure.note}\n`);
  }
}

function row(name: string, value: string, target: string, verdict: string, beside: string): string {
  return `${name.padEnd(62)} ${value.padStart(14)}  ${target.padEnd(14)} ${verdict.padEnd(6)} ${beside}`.trimEnd();
}

function shown(value: number, unit: string): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return `${value.toLocaleString("en", { maximumFractionDigits: digits, minimumFractionDigits: digits })} ${unit}`;
}
