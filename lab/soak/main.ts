// `npm run test:soak -- [name…] [--share 0.1]`: failures of real processes, in full or for a share of the full length.
// Without a name, all scenarios run; `retention` runs every scenario whose name starts with it. Prints one line of figures
// per scenario; the exit code is 1 when a promise was broken. Measured figures are in docs/promises.md.

import { parseArgs } from "node:util";
import { killAgents } from "../faults/redis/agents.ts";
import { emptyRedis, failOver, failOverToTheWrongOne, killRedis, stopRedis } from "../faults/redis/faults.ts";
import { rollingRestart } from "../faults/redis/rolling.ts";
import { noRedis } from "../faults/redis/server.ts";
import { noApiServer } from "./deployment/api-server.ts";
import { checkChart } from "./deployment/chart.ts";
import { noEngine, runCompose } from "./deployment/compose.ts";
import { killAgent } from "./kills/kill-agent.ts";
import { killAll } from "./kills/kill-all.ts";
import { killRunner, PHASES } from "./kills/kill-runner.ts";
import { pauseRunner } from "./kills/pause-runner.ts";
import { cancelAtOnce, raceForClaims } from "./kills/races.ts";
import { type Cut, cutConnection, TEN_MINUTES_SCALED_MS } from "./network/cut.ts";
import { floodAndSpin } from "./network/flood.ts";
import { noNamespaces, openNamespaces } from "./network/namespaces.ts";
import { noDockerRegistry, pushWhileRestarting } from "./real-systems/docker-registry.ts";
import { mailWhileRestarting, noPostfix } from "./real-systems/postfix.ts";
import { analyseWhileRestarting, KILLS_OF_A_ROUND } from "./real-systems/sonarqube/restarts.ts";
import { noSonarqube } from "./real-systems/sonarqube/server.ts";
import { backUpAndRestore } from "./stores/backup.ts";
import { countSyncs, failSync, fillDisk, noStrace, noTmpfs } from "./stores/disk.ts";
import { killWhileTasksLeave } from "./stores/retention.ts";
import { LEFT_WELL } from "./stores/retention-audit.ts";
import { killWhileDeliveriesLeave } from "./stores/retention-deliveries.ts";
import { changeSettingsEverywhere } from "./stores/settings.ts";

type Scenario = {
  /** Repetitions of the full length. */
  readonly times: number;
  readonly run: (times: number) => Promise<object>;
  /** Figures that must have these values. */
  readonly expected: (times: number) => { readonly [figure: string]: unknown };
  /** Why the scenario cannot run on this machine. */
  readonly skip?: string | undefined;
};

/** Prints intermediate figures. */
const onProgress = (figures: object): void => void process.stderr.write(`… ${JSON.stringify(figures)}\n`);

const FAULTS = [{ up: true, down: true }, { down: true }, { up: true }];
const cuts = (times: number): Cut[] =>
  Array.from({ length: times }, (_, n) => ({ fault: FAULTS[n % FAULTS.length] ?? {}, ms: TEN_MINUTES_SCALED_MS }));
const connectionKept = (times: number): object => ({
  buildsInOne: times,
  equalLogs: times,
  deployments: times,
  disorder: 0,
  unexplained: 0,
  overlaps: 0,
});
const sound = (recovered: number): object => ({ strange: 0, halfDone: 0, isSound: true, recovered });

/** Figures of Redis scenarios that must be 0. */
const KEPT = { missing: 0, repeatedTimes: 0, vanished: 0, ackedWhileCut: 0, differing: 0 };
const withoutRedis = noRedis === false ? undefined : noRedis;

const SCENARIOS: { readonly [name: string]: Scenario } = {
  "kill-agent": {
    times: 1_000,
    run: (times) => killAgent(times, 2_000, onProgress),
    expected: () => ({ missing: 0, unknown: 0, damaged: 0 }),
  },
  /** 30 minutes. */
  "kill-all": {
    times: 90,
    run: (times) => killAll(times, 20_000),
    expected: () => ({ missing: 0, unknown: 0, otherEnds: 0, wrongChanges: 0 }),
  },
  "kill-runner": {
    times: 38,
    run: (times) => killRunner(times, PHASES, onProgress),
    expected: (times) => ({
      doubleEffects: 0,
      outlived: 0,
      orphans: 0,
      wrongStarted: 0,
      succeeded: times * PHASES.length,
    }),
  },
  "pause-runner": {
    times: 50,
    run: (times) => pauseRunner(times, onProgress),
    expected: (times) => ({ succeeded: times, unexplained: 0, extraChanges: 0, staleFacts: 0, overlaps: 0 }),
  },
  cut: {
    times: 99,
    run: (times) => cutConnection(cuts(times), { onProgress }),
    expected: (times) => ({ ...connectionKept(times) }),
  },
  netns: {
    times: 99,
    run: (times) => cutConnection(cuts(times), { open: openNamespaces, onProgress }),
    expected: (times) => ({ ...connectionKept(times) }),
    skip: noNamespaces(),
  },
  chart: {
    times: 1,
    run: () => checkChart(onProgress),
    expected: () => ({ refused: 0, warned: 0 }),
    skip: noApiServer(),
  },
  compose: {
    times: 1,
    run: () => runCompose(onProgress),
    expected: () => ({ healthy: 6 + 10, succeeded: 6, restarted: 4, messages: 6, left: 0 }),
    skip: noEngine(),
  },
  "docker-registry": {
    times: 100,
    run: pushWhileRestarting,
    expected: (times) => ({ pushed: times, broken: 0 }),
    skip: noDockerRegistry(),
  },
  postfix: {
    times: 100,
    run: mailWhileRestarting,
    expected: (times) => ({ sent: times, missing: 0 }),
    skip: noPostfix(),
  },
  /** One repetition kills it five times, once in every wait. `--share 5` varies the moments. */
  sonarqube: {
    times: 1,
    run: (times) => analyseWhileRestarting(times, onProgress),
    expected: (times) => {
      const kills = KILLS_OF_A_ROUND * times;
      return { rounds: times, kills, outlasted: kills, wrong: 0, different: 0 };
    },
    skip: noSonarqube(),
  },
  flood: { times: 600, run: floodAndSpin, expected: () => ({ missed: 0, attempts: 2 }) },
  claims: {
    times: 10_000,
    run: (times) => raceForClaims(200, times),
    expected: (times) => ({ granted: times, double: 0, ended: times, open: 0 }),
  },
  cancels: { times: 1_000, run: cancelAtOnce, expected: (times) => ({ canceled: times, strange: 0 }) },
  syncs: { times: 1_000, run: countSyncs, expected: () => ({}), skip: noStrace() },
  "full-disk": { times: 50, run: fillDisk, expected: (times) => ({ ...sound(times) }), skip: noTmpfs() },
  "broken-disk": { times: 50, run: failSync, expected: (times) => ({ ...sound(times) }), skip: noStrace() },
  "redis-kills": { times: 200, run: killRedis, expected: () => KEPT, skip: withoutRedis },
  "redis-failovers": {
    times: 100,
    run: (times) => failOver(times, () => Math.random() * 10_000),
    expected: () => KEPT,
    skip: withoutRedis,
  },
  /** One repetition is a second. */
  "redis-cut": {
    times: 60,
    run: (times) => failOver(1, () => times * 1_000),
    expected: () => KEPT,
    skip: withoutRedis,
  },
  "redis-behind": {
    times: 100,
    run: failOverToTheWrongOne,
    expected: () => ({ missing: 0, repeatedTimes: 0, differing: 0 }),
    skip: withoutRedis,
  },
  "redis-emptied": { times: 20, run: emptyRedis, expected: () => KEPT, skip: withoutRedis },
  /** One repetition is a second. */
  "redis-away": { times: 600, run: (times) => stopRedis(times * 1_000), expected: () => KEPT, skip: withoutRedis },
  /** One repetition restarts each of two agents and two runners. */
  rolling: {
    times: 10,
    run: (times) => rollingRestart(times, 15, 100),
    expected: () => ({ lost: 0, doubled: 0, badExits: 0 }),
    skip: withoutRedis,
  },
  "retention-redis": {
    times: 40,
    run: (times) => killWhileTasksLeave("redis", times),
    expected: (times) => ({ kills: times, ...LEFT_WELL }),
    skip: withoutRedis,
  },
  "retention-sqlite": {
    times: 40,
    run: (times) => killWhileTasksLeave("sqlite", times),
    expected: (times) => ({ kills: times, ...LEFT_WELL }),
  },
  "retention-deliveries": {
    times: 40,
    run: (times) => killWhileDeliveriesLeave(times),
    expected: (times) => ({ kills: times, lost: 0, damaged: 0, leftWrongly: 0 }),
  },
  /** One repetition is a task. */
  "backup-sqlite": {
    times: 10_000,
    run: (times) => backUpAndRestore("sqlite", times),
    expected: () => ({ missing: 0, unknown: 0 }),
  },
  "backup-redis": {
    times: 10_000,
    run: (times) => backUpAndRestore("redis", times),
    expected: () => ({ missing: 0, unknown: 0 }),
    skip: withoutRedis,
  },
  settings: { times: 20, run: changeSettingsEverywhere, expected: () => ({ late: 0 }), skip: withoutRedis },
  "redis-agents": {
    times: 60,
    run: (times) => killAgents(times, 15, 50),
    expected: () => ({ lost: 0, doubled: 0 }),
    skip: withoutRedis,
  },
};

const { values, positionals: wanted } = parseArgs({
  allowPositionals: true,
  options: { share: { type: "string", default: "1" } },
});
for (const [name, { times: whole, run, expected, skip }] of Object.entries(SCENARIOS)) {
  if (wanted.length > 0 && !wanted.some((one) => name === one || name.startsWith(`${one}-`))) continue;
  if (skip !== undefined) {
    process.stdout.write(`${name}: skipped, because ${skip}\n`);
    continue;
  }
  const began = performance.now();
  const times = Math.max(1, Math.round(whole * Number(values.share)));
  const figures = await run(times);
  const seconds = Math.round((performance.now() - began) / 1_000);
  const broken = Object.entries(expected(times)).filter(
    ([figure, value]) => (figures as Record<string, unknown>)[figure] !== value,
  );
  process.stdout.write(
    `${name} ${JSON.stringify({ ...figures, tookS: seconds })}${broken.length > 0 ? " BROKEN" : ""}\n`,
  );
  if (broken.length > 0) process.exitCode = 1;
}
