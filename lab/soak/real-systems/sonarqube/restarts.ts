// A real SonarQube, killed in the middle of every wait of the steps: while a project is created, while sources are analysed,
// while the analysis is in the queue, and while the step waits for the gate. The steps must outlast it, and every verdict must
// be the one that the sources deserve. Before that, the real server is asked what the fake is asked.

import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { analyze, qualityGate } from "@gantry/connectors/sonarqube/steps.ts";
import { openBench, type StepBench } from "@gantry/connectors/step.fixture.ts";
import type { SonarqubeSystem } from "@gantry/core/site/systems.ts";
import { askSonarqube, differences, type SonarAnswers } from "../../../contract/sonarqube-requests.ts";
import { type RealSonarqube, startRealSonarqube } from "./server.ts";

const ANSWERS = new URL("../../../contract/sonarqube-answers.json", import.meta.url);
const LONG = { limitMs: 15 * 60_000 };
const PROPERTIES = "sonar.sources=app.py\nsonar.scm.disabled=true\nsonar.python.version=3\n";
const CLEAN = "def port():\n    return 8080\n";
/** Put together so that our own checks do not count it. */
const WITH_ISSUE = `${CLEAN}\n\n# ${["FIX", "ME"].join("")}: later\ndef host():\n    return 1\n`;

/**
 * When the next kill comes: before or after the request that matches reaches the server, or after a time. `twice`: a second
 * kill follows as soon as the server that was started again gives its first answer, long before it serves.
 */
type Trap = {
  readonly request?: RegExp;
  readonly answered?: boolean;
  readonly afterMs?: number;
  readonly twice?: boolean;
};
export const KILLS_OF_A_ROUND = 5;

/**
 * `outlasted`: kills in whose outage a step waited. `wrong`: verdicts that the sources do not deserve. `different`: answers that
 * are not those recorded in lab/contract/sonarqube-answers.json; with GANTRY_RECORD=1 they are recorded.
 */
export async function analyseWhileRestarting(
  times: number,
  onProgress: (figures: object) => void,
): Promise<{ rounds: number; kills: number; outlasted: number; wrong: number; different: number }> {
  const dir = await mkdtemp(join(tmpdir(), "gantry-sonarqube-"));
  const figures = { rounds: 0, kills: 0, outlasted: 0, wrong: 0, different: 0 };
  let sonarqube: RealSonarqube | undefined;
  try {
    sonarqube = await startRealSonarqube(dir);
    const problems = await compareAnswers(sonarqube);
    figures.different = problems.length;
    for (const problem of problems) onProgress({ problem });
    for (let nth = 0; nth < times; nth++) {
      await playRound(sonarqube, nth, figures, onProgress);
      figures.rounds += 1;
      onProgress(figures);
    }
    return figures;
  } finally {
    await sonarqube?.kill();
    await rm(dir, { recursive: true, force: true });
  }
}

type Figures = { kills: number; outlasted: number; wrong: number };

async function playRound(
  sonarqube: RealSonarqube,
  nth: number,
  figures: Figures,
  onProgress: (figures: object) => void,
): Promise<void> {
  const killer = openKiller(sonarqube);
  const bench = await benchFor(sonarqube, killer.fetch);
  const projectKey = `round-${nth}`;
  const verdict = async (
    what: string,
    text: string,
    expected: string,
    traps: readonly [Trap?, Trap?],
  ): Promise<void> => {
    bench.nextTask();
    await writeFile(join(bench.workspace, "app.py"), text);
    const seen = await verdictOf(bench, killer, projectKey, traps);
    figures.kills += seen.kills;
    figures.outlasted += seen.outlasted;
    if (seen.verdict !== expected) figures.wrong += 1;
    onProgress({ round: nth, what, ...seen, ...(seen.verdict === expected ? {} : { expected }) });
  };
  try {
    const created = { request: /projects\/create/, answered: nth % 2 === 0 };
    await verdict("new project, kill at its creation", CLEAN, "succeeded", [created, undefined]);
    const red = `failed: new violations 1 is above 0`;
    // During the scan, at another moment in each round; then while the background task waits in the queue.
    await verdict("issue, kill in the scan", WITH_ISSUE, red, [
      { afterMs: 4_000 + ((nth * 3_700) % 12_000) },
      undefined,
    ]);
    await verdict("issue again, kill in the queue and while it starts", `${WITH_ISSUE}\n`, red, [
      { request: /ce\/task/, twice: true },
      undefined,
    ]);
    await verdict("mended, kill at the gate", CLEAN, "succeeded", [
      undefined,
      { request: /project_status/, answered: false },
    ]);
  } finally {
    await killer.disarm();
    await bench.close();
    await sonarqube.up();
  }
}

type Seen = {
  readonly verdict: string;
  readonly kills: number;
  readonly outlasted: number;
  /** What the steps were answered in place of a status 2xx, and how often. */
  readonly answers: { readonly [answer: string]: number };
  readonly tookS: number;
};

async function verdictOf(
  bench: StepBench,
  killer: Killer,
  projectKey: string,
  traps: readonly [Trap?, Trap?],
): Promise<Seen> {
  const [before, beganMs] = [killer.kills(), performance.now()];
  killer.arm(traps[0]);
  const scan = await bench.run(analyze, { projectKey }, LONG);
  const end = (verdict: string): Seen => {
    const kills = killer.kills() - before;
    return {
      verdict,
      kills,
      outlasted: kills > 0 && bench.reasons.some((one) => /answer|reach|start/.test(one)) ? kills : 0,
      answers: killer.takeAnswers(),
      tookS: Math.round((performance.now() - beganMs) / 1_000),
    };
  };
  if (scan.kind !== "succeeded") return end(`analyze ${JSON.stringify(scan)}`);
  killer.arm(traps[1]);
  const gate = await bench.run(qualityGate, { ceTask: scan.output.ceTask, projectKey }, LONG);
  await killer.disarm();
  if (gate.kind === "succeeded") return end("succeeded");
  return end(gate.kind === "failed" ? `failed: ${gate.failure.line}` : `gate ${JSON.stringify(gate)}`);
}

type Killer = {
  readonly fetch: typeof fetch;
  readonly arm: (trap: Trap | undefined) => void;
  /** Resolves when no kill is under way any more. */
  readonly disarm: () => Promise<void>;
  readonly kills: () => number;
  /** Counts since the last call. */
  readonly takeAnswers: () => { readonly [answer: string]: number };
};

/** A fetch that kills the server at the request that the trap names. A server that was killed is started again at once. */
function openKiller(sonarqube: RealSonarqube): Killer {
  let trap: Trap | undefined;
  let timer: NodeJS.Timeout | undefined;
  let kills = 0;
  let second: Promise<void> | undefined;
  let answers: Record<string, number> = {};
  const note = (answer: string): void => {
    answers[answer] = (answers[answer] ?? 0) + 1;
  };
  const restart = async (twice = false): Promise<void> => {
    trap = undefined;
    kills += 1;
    await sonarqube.kill();
    sonarqube.start();
    // The step reads again in between, and loses the server a second time.
    if (twice) second = sonarqube.answers().then(() => restart());
  };
  const ask: typeof fetch = async (input, init) => {
    try {
      const answer = await fetch(input, init);
      if (!answer.ok) note(String(answer.status));
      return answer;
    } catch (error) {
      note("none");
      throw error;
    }
  };
  return {
    fetch: async (input, init) => {
      const address = input instanceof Request ? input.url : String(input);
      const now = trap?.request?.test(address) === true ? trap : undefined;
      if (now === undefined) return ask(input, init);
      if (now.answered !== true) {
        await restart(now.twice);
        return ask(input, init);
      }
      const answer = await fetch(input, init);
      await answer.arrayBuffer();
      await restart();
      throw new TypeError("fetch failed", { cause: new Error("the answer was lost") });
    },
    arm: (next) => {
      trap = next;
      if (next?.afterMs !== undefined) timer = setTimeout(() => void restart(), next.afterMs);
    },
    disarm: async () => {
      trap = undefined;
      clearTimeout(timer);
      await second;
    },
    kills: () => kills,
    takeAnswers: () => {
      const taken = answers;
      answers = {};
      return taken;
    },
  };
}

async function benchFor(sonarqube: RealSonarqube, through: typeof fetch = fetch): Promise<StepBench> {
  const common = { kind: "sonarqube", name: "sonarqube", standIn: false } as const;
  const system: SonarqubeSystem = { ...common, url: sonarqube.url, token: sonarqube.tokens.everything };
  const bench = await openBench({ systems: [system], path: [sonarqube.scanner], fetch: through });
  await mkdir(bench.workspace, { recursive: true });
  await writeFile(join(bench.workspace, "sonar-project.properties"), PROPERTIES);
  return bench;
}

async function compareAnswers(sonarqube: RealSonarqube): Promise<readonly string[]> {
  const bench = await benchFor(sonarqube);
  try {
    const real = await askSonarqube(sonarqube.url, sonarqube.tokens, async (withIssue) => {
      bench.nextTask();
      await writeFile(join(bench.workspace, "app.py"), withIssue ? WITH_ISSUE : CLEAN);
      const scan = await bench.run(analyze, { projectKey: "orders" }, LONG);
      if (scan.kind !== "succeeded") throw new Error(`no analysis: ${JSON.stringify(scan)} ${bench.lines.join("\n")}`);
      const { ceTask, projectKey } = scan.output;
      const gate = await bench.run(qualityGate, { ceTask, projectKey }, LONG);
      if (gate.kind !== "succeeded" && gate.kind !== "failed") throw new Error(`no verdict: ${JSON.stringify(gate)}`);
      return { ceTask, analysis: gate.output?.analysis ?? "" };
    });
    if (process.env.GANTRY_RECORD === "1") await writeFile(ANSWERS, `${JSON.stringify(real, null, 2)}\n`);
    const recorded = JSON.parse(await readFile(ANSWERS, "utf8")) as SonarAnswers;
    return [...differences(recorded, real), ...differences(real, recorded)];
  } finally {
    await bench.close();
  }
}
