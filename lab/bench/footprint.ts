// The cost of an idle installation: start time and memory of each process. Each is started as in production: with the compile
// cache of an earlier start, and with its flags.

import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePorts } from "@gantry/runtime/free-ports.ts";
import { end } from "../processes/agent-process.ts";
import { GantryProcess } from "../processes/gantry-process.ts";
import { type Bench, type Figure, quantile } from "./figure.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const TOKEN = "platform-token-of-the-bench";
const RUNNER_TOKEN = "runner-token-of-the-bench";
/** The first start only fills the compile cache. */
const ROUNDS = 4;
const IDLE_MS = 5_000;
const LOOK_EVERY_MS = 5;
const READY_LIMIT_MS = 30_000;

type Sample = { readonly readyMs: number; readonly memory: Memory };
type Memory = { readonly pssMb: number; readonly privateMb: number };
type Target = { readonly name: string; readonly pssMb?: number };

const TARGETS: readonly Target[] = [
  { name: "task-agent" },
  { name: "notify-agent" },
  { name: "portal-api" },
  { name: "task-runner", pssMb: 70 },
  { name: "all-in-one, no lab", pssMb: 120 },
];

export const footprint: Bench = async ({ folder }) => {
  const samples = new Map<string, Sample[]>();
  const note = (name: string, sample: Sample): void => void samples.set(name, [...(samples.get(name) ?? []), sample]);
  for (let round = 0; round < ROUNDS; round += 1) {
    const data = join(folder, `round-${round}`);
    const measured = [
      ...(await separate(data, join(folder, "compiled"))),
      ["all-in-one, no lab", await together(data)] as const,
    ];
    if (round > 0) for (const [name, sample] of measured) note(name, sample);
    await rm(data, { recursive: true, force: true });
  }
  return TARGETS.flatMap((target) => figures(target, samples.get(target.name) ?? []));
};

function figures({ name, pssMb }: Target, samples: readonly Sample[]): Figure[] {
  const middle = (of: (sample: Sample) => number): number => quantile(samples.map(of), 0.5);
  const mine = middle(({ memory }) => memory.privateMb).toFixed(1);
  return [
    {
      name: `Start until ready, ${name}`,
      value: middle(({ readyMs }) => readyMs),
      unit: "ms",
      target: { atMost: 1_000 },
    },
    {
      name: `Idle memory, ${name}`,
      value: middle(({ memory }) => memory.pssMb),
      unit: "MB",
      ...(pssMb === undefined ? {} : { target: { atMost: pssMb } }),
      note: `PSS including helper processes, ${IDLE_MS / 1_000} s after the start; ${mine} MB of it are not shared`,
    },
  ];
}

/** The four processes, started one after the other, each with a configuration file. */
async function separate(data: string, compiled: string): Promise<(readonly [name: string, sample: Sample])[]> {
  await mkdir(data, { recursive: true });
  const [agentPort = 0, notifyPort = 0, portalPort = 0] = await freePorts(3);
  const urlOf = (port: number): string => `http://127.0.0.1:${port}`;
  const agent = { url: urlOf(agentPort), token: TOKEN };
  const notify = { url: urlOf(notifyPort), token: TOKEN };
  const portalUrl = urlOf(portalPort);
  const runnerData = join(data, "task-runner");
  const mail = { kind: "mail", host: "127.0.0.1", from: "gantry@lab.invalid", to: ["team@lab.invalid"] };
  const ready = (url: string) => async (): Promise<boolean> => (await fetch(`${url}/readyz`)).ok;
  const plans: readonly Plan[] = [
    {
      name: "task-agent",
      config: {
        data: join(data, "task-agent"),
        port: agentPort,
        portalUrl,
        token: TOKEN,
        runnerTokens: { [RUNNER_TOKEN]: "seoul" },
      },
      isReady: ready(agent.url),
    },
    {
      name: "notify-agent",
      config: {
        data: join(data, "notify-agent"),
        port: notifyPort,
        token: TOKEN,
        agent,
        portalUrl,
        channels: { mail },
      },
      isReady: ready(notify.url),
    },
    {
      name: "portal-api",
      config: { port: portalPort, publicUrl: portalUrl, dataDir: join(data, "portal-api"), agent, notify },
      isReady: ready(portalUrl),
    },
    {
      name: "task-runner",
      flags: ["--max-semi-space-size=2"],
      config: { name: "seoul-1", site: "seoul", agent: agent.url, token: RUNNER_TOKEN, data: runnerData },
      isReady: async () => existsSync(join(runnerData, "alive")),
    },
  ];
  const started: (Started & { readonly name: string })[] = [];
  try {
    for (const plan of plans) started.push({ name: plan.name, ...(await start(plan, data, compiled)) });
    await idle();
    return started.map(({ name, child, readyMs }) => [name, { readyMs, memory: memoryOf(child.pid ?? 0) }]);
  } finally {
    // Stopped in an orderly way, so that each writes its compile cache.
    for (const { child } of started.toReversed()) await stop(child);
  }
}

type Plan = {
  readonly name: string;
  readonly flags?: readonly string[];
  readonly config: object;
  readonly isReady: () => Promise<boolean>;
};
type Started = { readonly child: ReturnType<typeof spawn>; readonly readyMs: number };

async function start({ name, flags = [], config, isReady }: Plan, data: string, compiled: string): Promise<Started> {
  const file = join(data, `${name}.json`);
  await writeFile(file, JSON.stringify({ logLevel: "warn", ...config }));
  const began = performance.now();
  const child = spawn(process.execPath, [...flags, join(ROOT, name, "main.ts"), "--config", file], {
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...process.env, NODE_COMPILE_CACHE: compiled },
  });
  for (;;) {
    const isThere = await isReady().catch(() => false);
    const readyMs = performance.now() - began;
    if (isThere) return { child, readyMs };
    if (child.exitCode !== null || readyMs > READY_LIMIT_MS) throw new Error(`the ${name} did not become ready`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

async function together(data: string): Promise<Sample> {
  const began = performance.now();
  const gantry = await GantryProcess.start(join(data, "all-in-one"), ["--no-lab"]);
  try {
    const readyMs = performance.now() - began;
    await idle();
    return { readyMs, memory: memoryOf(gantry.pid) };
  } finally {
    await gantry.stop();
  }
}

function idle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, IDLE_MS));
}

async function stop(child: ReturnType<typeof spawn>): Promise<void> {
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  if (child.exitCode !== null) return;
  child.kill("SIGTERM");
  await exited;
  await end(child);
}

/** The memory of a process and its children. */
function memoryOf(pid: number): Memory {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean);
  const parts = children.map((child) => memoryOf(Number(child)));
  const own = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const mb = (field: string): number => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(own)?.[1] ?? 0) / 1_024;
  const sum = (of: (memory: Memory) => number): number => parts.reduce((total, part) => total + of(part), 0);
  return {
    pssMb: mb("Pss") + sum((part) => part.pssMb),
    privateMb: mb("Private_Dirty") + mb("Private_Clean") + sum((part) => part.privateMb),
  };
}
