// `npm run test:long -- [name…]`: real failures, for as long as it takes; all without a name. Prints one line of figures
// each; the exit code is 1 when a promise was not kept. What was measured is in docs/promises.md.

import { cutLine, TEN_MINUTES_SCALED_MS } from "./cut.ts";
import { countSyncs, failSync, fillDisk, noStrace, noTmpfs } from "./disk.ts";
import { floodAndSpin } from "./flood.ts";
import { killAgent } from "./kill-agent.ts";
import { killRunner } from "./kill-runner.ts";
import { pauseRunner } from "./pause-runner.ts";
import { cancelAtOnce, raceForClaims } from "./races.ts";

type Run = {
  readonly play: () => Promise<object>;
  /** Figures that must be what is said here. */
  readonly must: { readonly [figure: string]: unknown };
  readonly unless?: string | undefined;
};

const both = { fault: { up: true, down: true }, ms: TEN_MINUTES_SCALED_MS };
const CUTS = [both, { ...both, fault: { down: true } }, { ...both, fault: { up: true } }].flatMap((cut) => [
  cut,
  cut,
  cut,
]);
const SOUND = { strange: 0, halfDone: 0, isSound: true };

const RUNS: { readonly [name: string]: Run } = {
  "kill-agent": { play: () => killAgent(1_000, 2_000), must: { missing: 0, unknown: 0, damaged: 0 } },
  "kill-runner": {
    play: () => killRunner(43),
    must: { doubleEffects: 0, orphans: 0, wrongStarted: 0, succeeded: 301 },
  },
  "pause-runner": { play: () => pauseRunner(50), must: { succeeded: 50, extraChanges: 0, staleFacts: 0 } },
  cut: {
    play: () => cutLine(CUTS),
    must: { buildsInOne: 9, equalLogs: 9, disorder: 0, deployments: 9, overlaps: 0 },
  },
  flood: { play: () => floodAndSpin(60), must: { missed: 0, attempts: 2 } },
  claims: { play: () => raceForClaims(200, 10_000), must: { granted: 10_000, double: 0, ended: 10_000 } },
  cancels: { play: () => cancelAtOnce(1_000), must: { canceled: 1_000, strange: 0 } },
  syncs: { play: () => countSyncs(1_000), must: {}, unless: noStrace() },
  "full-disk": { play: () => fillDisk(50), must: { ...SOUND, recovered: 50 }, unless: noTmpfs() },
  "broken-disk": { play: () => failSync(50), must: { ...SOUND, recovered: 50 }, unless: noStrace() },
};

const wanted = process.argv.slice(2);
for (const [name, { play, must, unless }] of Object.entries(RUNS)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  if (unless !== undefined) {
    process.stdout.write(`${name}: left out, because ${unless}\n`);
    continue;
  }
  const began = performance.now();
  const figures = await play();
  const seconds = Math.round((performance.now() - began) / 1_000);
  const broken = Object.entries(must).filter(
    ([figure, value]) => (figures as Record<string, unknown>)[figure] !== value,
  );
  process.stdout.write(
    `${name} ${JSON.stringify({ ...figures, tookS: seconds })}${broken.length > 0 ? " NOT KEPT" : ""}\n`,
  );
  if (broken.length > 0) process.exitCode = 1;
}
