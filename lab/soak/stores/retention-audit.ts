// Audits every task and log after retention: reads the journal and the archive directly, then asks an agent, then runs
// `gantry archive`.

import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { gunzipSync } from "node:zlib";
import type { Io } from "@gantry/cli/io.ts";
import { runLine } from "@gantry/cli/line/run-line.ts";
import { GantryError } from "@gantry/core/errors.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import { dayOfTask } from "@gantry/core/task/task-id.ts";
import { exists, listArchive, readPart } from "@gantry/journal/archive/archive.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import { pathOf } from "@gantry/task-agent/logs/log-store.ts";
import { TASKS } from "@gantry/task-agent/retention/task-archive.ts";
import type { TaskView } from "@gantry/wire/agent/views.ts";
import type { AgentProcess, TestBed } from "../../processes/agent-process.ts";

export type Stock = {
  /** Tasks that ended long ago; the newest of each app are kept. */
  readonly old: readonly string[];
  /** Old tasks that are open, and young tasks. */
  readonly stay: readonly string[];
  readonly young: readonly string[];
  /** Tasks requested meanwhile. */
  readonly requested: readonly string[];
  /** The stored state of each old task. */
  readonly states: ReadonlyMap<string, unknown>;
  /** Number of events of each old task. */
  readonly events: number;
};

export type Audit = {
  readonly leftForArchive: number;
  /** Old tasks that are in both archive and journal, or archived twice. Both are allowed. */
  readonly inBoth: number;
  readonly archivedTwice: number;
  /** Old tasks that are nowhere, and those that are incomplete in the journal, the archive or an answer. */
  readonly lost: number;
  readonly damaged: number;
  /** Young or open tasks that are in the archive or missing from the journal. */
  readonly leftWrongly: number;
  /** Logs that are missing or differ from what was written. */
  readonly lostLogs: number;
  /** Tasks that lists show twice or after they were archived. */
  readonly shownWrongly: number;
  /** The exit code of `gantry archive check` and `show`; must be 0. */
  readonly archiveExit: number;
};

/** Figures that must have these values. */
export const LEFT_WELL = {
  notFound: 0,
  failedPasses: 0,
  lost: 0,
  damaged: 0,
  leftWrongly: 0,
  lostLogs: 0,
  shownWrongly: 0,
  archiveExit: 0,
};

/** The log text of a task. */
export function logText(id: string): string {
  return `made by ${id}\n`.repeat(20);
}

export async function auditRetention(run: {
  readonly bed: TestBed;
  readonly agents: readonly AgentProcess[];
  readonly open: () => Promise<Journal>;
  readonly stock: Stock;
}): Promise<Audit> {
  const { bed, agents, open, stock } = run;
  await Promise.all(agents.map((agent) => agent.kill()));
  const folder = join(bed.folder, "archive");
  const archived = await readArchive(folder, TASKS);
  const journal = await open();
  const stored = await auditTasks(journal, archived, stock).finally(() => journal.close());
  const lostLogs = await auditLogs(bed, folder, [...stock.old, ...stock.young]);
  const [agent] = agents;
  if (!agent) throw new Error("an agent must be given");
  await agent.restart();
  const { shownWrongly, answeredWrongly } = await auditAnswers(agent, archived, stock);
  const archiveExit = await auditCommand(folder, [...archived.keys()]);
  return { ...stored, damaged: stored.damaged + answeredWrongly, lostLogs, shownWrongly, archiveExit };
}

/** All records of each id. */
export async function readArchive(folder: string, kind: string): Promise<ReadonlyMap<string, readonly JsonObject[]>> {
  const found = new Map<string, JsonObject[]>();
  for await (const file of listArchive(folder, kind)) {
    for (const part of file.parts) {
      const records = await readPart(folder, file, part);
      for (const [at, id] of part.ids.entries()) {
        const record = records[at];
        if (record) found.set(id, [...(found.get(id) ?? []), record]);
      }
    }
  }
  return found;
}

async function auditTasks(journal: Journal, archived: ReadonlyMap<string, readonly JsonObject[]>, stock: Stock) {
  let [lost, damaged, inBoth, archivedTwice] = [0, 0, 0, 0];
  for (const id of stock.old) {
    const loaded = await journal.load(`task/${id}`);
    const events = await journal.events(`task/${id}`, 0, 1_000);
    const key = await journal.load(`key/${id}`);
    const records = archived.get(id) ?? [];
    if (!loaded && records.length === 0) lost += 1;
    if (loaded && records.length > 0) inBoth += 1;
    if (records.length > 1) archivedTwice += 1;
    const isWhole = loaded
      ? isDeepStrictEqual(loaded.snapshot, stock.states.get(id)) && events.length === stock.events && key !== undefined
      : events.length === 0 && key === undefined;
    const areWhole = records.every(
      (one) =>
        isDeepStrictEqual(one.state, stock.states.get(id)) &&
        Array.isArray(one.events) &&
        one.events.length === stock.events,
    );
    if (!isWhole || !areWhole) damaged += 1;
  }
  let leftWrongly = 0;
  for (const id of [...stock.stay, ...stock.requested])
    if (archived.has(id) || !(await journal.load(`task/${id}`))) leftWrongly += 1;
  return { leftForArchive: archived.size, inBoth, archivedTwice, lost, damaged, leftWrongly };
}

async function auditLogs(bed: TestBed, folder: string, ids: readonly string[]): Promise<number> {
  let lost = 0;
  for (const task of ids) {
    const name = { task, job: "work", attempt: 1, step: "make" };
    const here = pathOf(join(bed.folder, "logs"), name);
    const there = `${pathOf(join(folder, dayOfTask(task) ?? "", "logs"), name)}.gz`;
    const texts = [
      ...((await exists(here)) ? [await readFile(here, "utf8")] : []),
      ...((await exists(there)) ? [gunzipSync(await readFile(there)).toString()] : []),
    ];
    if (texts.length === 0 || texts.some((text) => text !== logText(task))) lost += 1;
  }
  return lost;
}

/** Every old task must be answered with its log, wherever it is stored; lists must show each task of the journal once. */
async function auditAnswers(agent: AgentProcess, archived: ReadonlyMap<string, unknown>, { old }: Stock) {
  const shown: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await agent.client.tasks({ limit: 500, ...(cursor === undefined ? {} : { cursor }) });
    shown.push(...page.items.map(({ id }) => id));
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  const there = new Set(shown);
  let answeredWrongly = 0;
  for (const id of old) {
    const task = await findTask(agent, id);
    if (task?.id !== id || task.state !== "succeeded" || !(there.has(id) || archived.has(id))) answeredWrongly += 1;
  }
  return { shownWrongly: shown.length - there.size, answeredWrongly };
}

/** undefined when there is no such task. */
export async function findTask({ client }: AgentProcess, id: string): Promise<TaskView | undefined> {
  try {
    return await client.task(id);
  } catch (error) {
    if (error instanceof GantryError && error.code === "not-found") return undefined;
    throw error;
  }
}

/** Returns the largest exit code. */
async function auditCommand(folder: string, ids: readonly string[]): Promise<number> {
  const io: Io = {
    stdout: () => {},
    stderr: (text) => void process.stderr.write(text),
    readFile: (path) => readFileSync(path, "utf8"),
    env: {},
    tty: false,
    readInput: () => Promise.resolve(""),
    askSecret: undefined,
    interruption: () => new AbortController().signal,
  };
  const codes = [await runLine(["archive", "check", folder], io)];
  for (const id of ids.slice(0, 20)) codes.push(await runLine(["archive", "show", folder, id], io));
  return Math.max(...codes);
}
