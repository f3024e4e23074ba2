// What the runners found, as a table for people. Pure.

import type { SiteView } from "@gantry/wire/agent/sites/views.ts";
import type { TaskView } from "@gantry/wire/agent/views.ts";
import { z } from "zod";

const finding = z.object({
  right: z.string(),
  may: z.string(),
  verdict: z.enum(["yes", "no", "unknown"]),
  says: z.string(),
  todo: z.string().optional(),
});
const outputs = z.object({
  systems: z.array(z.object({ name: z.string(), kind: z.string(), url: z.string(), findings: z.array(finding) })),
});

export type RunnerReport = {
  readonly site: string;
  readonly runner: string;
  readonly systems: z.infer<typeof outputs>["systems"];
  /** Why it has no report. */
  readonly problem?: string;
};

export function reportsOf({ jobs }: Pick<TaskView, "jobs">): readonly RunnerReport[] {
  return jobs.map((job) => {
    const runner = job.attempts.at(-1)?.runner ?? job.runner ?? job.key;
    const read = outputs.safeParse(job.steps[0]?.outputs);
    if (read.success) return { site: job.site, runner, systems: read.data.systems };
    const problem = job.failure?.message ?? job.waiting?.text ?? `The job ended as ${job.state}.`;
    return { site: job.site, runner, systems: [], problem };
  });
}

/** Sites that could not be asked, in words. */
export function silentSites(sites: readonly Pick<SiteView, "name" | "runners">[]): readonly string[] {
  return sites
    .filter(({ runners }) => runners.every(({ state }) => state !== "online"))
    .map(
      ({ name }) =>
        `${name}: no runner is online, so its systems were not tested. docs/runner.md tells how to start one.`,
    );
}

export function countMissing(reports: readonly RunnerReport[]): number {
  const findings = reports.flatMap(({ systems }) => systems).flatMap((one) => one.findings);
  return findings.filter(({ verdict }) => verdict === "no").length + reports.filter(({ problem }) => problem).length;
}

const MARKS = { yes: "✓", no: "✗", unknown: "?" } as const;

export function reportInWords(reports: readonly RunnerReport[]): string {
  return reports.map(oneInWords).join("\n");
}

function oneInWords({ site, runner, systems, problem }: RunnerReport): string {
  const head = `${site}, tested from its runner ${runner}\n`;
  if (problem !== undefined) return `${head}  ✗ ${problem}\n`;
  if (systems.length === 0) return `${head}  This runner has no systems.\n`;
  return `${head}${systems
    .map(({ name, kind, url, findings }) => {
      return `  ${name} (${kind}) ${url}\n${findingsInWords(findings)}`;
    })
    .join("")}`;
}

export function findingsInWords(findings: readonly Omit<z.infer<typeof finding>, "right">[]): string {
  const width = Math.max(...findings.map(({ may }) => may.length));
  const lines = findings.map(({ may, verdict, says, todo }) => {
    const more = todo === undefined ? "" : `\n      ${" ".repeat(width)}→ ${todo}`;
    return `    ${MARKS[verdict]} ${may.padEnd(width)}  ${says}${more}\n`;
  });
  return lines.join("");
}
