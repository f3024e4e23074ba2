// `npm run bench`: what things cost on this machine. Prints a table, and JSON with --json.

import { mkdtemp, rm } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { dispatch } from "./dispatch.ts";

export type Figure = {
  readonly name: string;
  readonly unit: "ms";
  readonly median: number;
  readonly p99: number;
  readonly samples: number;
  readonly target: string;
};

const { values } = parseArgs({ options: { json: { type: "boolean", default: false } } });
const data = await mkdtemp(join(tmpdir(), "gantry-bench-"));
try {
  const figures = await dispatch(data);
  const machine = {
    cpu: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    node: process.version,
    date: new Date().toISOString(),
  };
  if (values.json) process.stdout.write(`${JSON.stringify({ machine, figures }, null, 2)}\n`);
  else print(figures, machine);
} finally {
  await rm(data, { recursive: true, force: true });
}

function print(figures: readonly Figure[], machine: { cpu: string; cores: number; node: string }): void {
  process.stdout.write(`${machine.cpu}, ${machine.cores} cores, Node ${machine.node}\n\n`);
  process.stdout.write(
    `${"figure".padEnd(64)} ${"median".padStart(9)} ${"p99".padStart(9)} ${"samples".padStart(8)}  target\n`,
  );
  for (const { name, unit, median, p99, samples, target } of figures) {
    process.stdout.write(
      `${name.padEnd(64)} ${`${median.toFixed(1)} ${unit}`.padStart(9)} ${`${p99.toFixed(1)} ${unit}`.padStart(9)} ${String(samples).padStart(8)}  ${target}\n`,
    );
  }
}
