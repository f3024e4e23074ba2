// Steps that use all of the machine: one computes without a pause, one prints as fast as it can. Short leases must be renewed
// in time meanwhile.

import { AgentProcess, startRunnerProcess, TestBed } from "../../processes/agent-process.ts";
import { SHORT_LEASES } from "./short-leases.ts";

export type FloodFigures = {
  readonly seconds: number;
  /** How often work was stopped or given away because its lease was not renewed in time. Must be 0. */
  readonly missed: number;
  /** Renewals that were repeated because they were not answered before the next one was due. */
  readonly repeated: number;
  /** Attempts of both jobs together. Must be 2. */
  readonly attempts: number;
  readonly outcomes: string;
  /** Longest time without a renewal at the agent, ms, when above 900; the work is stopped at 3,000. */
  readonly longestSilenceMs: number;
  readonly printedMbPerS: number;
};

const CHUNK = 65_536;

export async function floodAndSpin(seconds: number): Promise<FloodFigures> {
  const bed = await TestBed.open();
  try {
    const strict = { renewEveryMs: 300, renewWithinMs: 900, selfFenceMs: 3_000, reassignAfterMs: 6_000 };
    const common = `site: seoul\n    mode: strict\n    retrySafe: true\n    env: { OUTSIDE: ../../../../outside, SECONDS_LONG: "${seconds}" }`;
    await bed.pipeline(
      "flood",
      `  spin:
    ${common}
    steps:
      - { id: work, title: Work, uses: jira/comment, with: { issue: "WORK-1", text: "\${{ '- - ${seconds * 1_000}' }}" } }
  flood:
    ${common}
    outputs: { bytes: "\${{ steps.work.outputs.bytes }}" }
    steps:
      - id: work
        title: Work
        shell: node
        run: |
          const chunk = Buffer.alloc(${CHUNK}, "x".repeat(99) + "\\n");
          const end = Date.now() + Number(process.env.SECONDS_LONG) * 1_000;
          let bytes = 0;
          const fs = require("node:fs");
          while (Date.now() < end) bytes += fs.writeSync(1, chunk);
          fs.writeFileSync(process.env.GANTRY_OUTPUT, "bytes=" + bytes);`,
    );
    const agent = await AgentProcess.start(bed, {
      config: { ...SHORT_LEASES, lease: { ...SHORT_LEASES.lease, strict } },
    });
    const runner = startRunnerProcess(bed, { name: "seoul-1", agent: agent.url });
    const { id } = await agent.start("flood", "key");
    let longestSilenceMs = 0;
    let isEnded = false;
    const watching = (async () => {
      while (!isEnded) {
        const silent = (await agent.client.task(id)).jobs.flatMap(({ notHeardSince }) =>
          notHeardSince === undefined ? [] : [Date.now() - Date.parse(notHeardSince)],
        );
        longestSilenceMs = Math.max(longestSilenceMs, ...silent);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    })();
    const ended = await agent.ended(id);
    isEnded = true;
    await watching;
    const count = (pattern: RegExp): number => runner.lines.filter((line) => pattern.test(line)).length;
    const printed = Number(ended.jobs.find((job) => job.id === "flood")?.outputs.bytes ?? 0);
    return {
      seconds,
      missed: count(/given up|has not answered/),
      repeated: count(/could not be renewed/),
      attempts: ended.jobs.reduce((sum, job) => sum + job.attempts.length, 0),
      outcomes: ended.jobs.map((job) => job.state).join(" "),
      longestSilenceMs,
      printedMbPerS: Math.round(printed / seconds / 1e6),
    };
  } finally {
    await bed.close();
  }
}
