// The pipeline definitions in use, and every version that a task is pinned to. A version is the digest of the file. Every
// version is stored in the journal, so that a task runs to its end with the file it started with. The journal also has the
// last valid set, which stays in force if the files are invalid when the agent starts.

import type { Environments } from "@gantry/core/build/environments.ts";
import type { Problem } from "@gantry/core/errors.ts";
import { GantryError } from "@gantry/core/errors.ts";
import type { Pipeline, StepDescription } from "@gantry/core/pipeline/pipeline.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import { defineStream } from "@gantry/journal/typed-stream.ts";
import { startError } from "@gantry/runtime/process/start-error.ts";
import type { Alarms } from "../alarms.ts";
import { type Definition, type DefinitionSet, readDefinitions } from "./read-definitions.ts";

export type { Definition } from "./read-definitions.ts";

const definitionStream = defineStream<Pipeline>({ prefix: "definition/" });

/** The last valid set. Agents that share a journal share it. It is read only if the files are invalid. */
type SetState = {
  readonly definitions: readonly { readonly name: string; readonly version: string }[];
  /** Absent in sets of older versions. */
  readonly environments?: Environments;
};
const setStream = defineStream<SetState>({ prefix: "agent/definitions" });

export type Definitions = {
  readonly list: () => readonly Definition[];
  readonly current: (name: string) => Definition | undefined;
  /** The definition that a task is pinned to. Rejects when it is missing: a bug, because it was stored before the task. */
  readonly pinned: (version: string) => Promise<Pipeline>;
  readonly steps: readonly StepDescription[];
  /** What environments demand of builds. Default: nothing but the release branch. */
  readonly environments?: () => Environments;
  /** Why the files of the folder are not in force, as sentences for operators. Default: they are. */
  readonly problems?: () => readonly string[];
};

/**
 * Reads every `*.yaml` of the folder. A mistake in any file invalidates the whole set: the last valid one stays in force,
 * and an alarm is raised. If there is none, throws `pipeline-invalid` with every mistake in the error, or why the folder
 * cannot be read.
 */
export async function openDefinitions(
  folder: string,
  steps: readonly StepDescription[],
  journal: Journal,
  alarms?: Alarms,
): Promise<Definitions> {
  const read = await readOrRefuse(folder, steps);
  if (!(read instanceof GantryError)) {
    const { definitions, environments } = read;
    for (const definition of definitions) await keepDefinition(journal, definition);
    const set = definitions.map(({ pipeline, version }) => ({ name: pipeline.name, version }));
    await journal.append([setStream.append("", { expected: 0, state: { definitions: set, environments } })]);
    return makeDefinitions(read, steps, journal, []);
  }
  const lastGood = await loadLastGood(journal);
  if (!lastGood) throw read;
  const problem = whyRefused(read);
  alarms?.raise("pipelines-refused", { folder, problems: read.problems, err: read }, problem);
  return makeDefinitions(lastGood, steps, journal, [problem]);
}

async function readOrRefuse(folder: string, steps: readonly StepDescription[]): Promise<DefinitionSet | GantryError> {
  try {
    const { problems, ...set } = await readDefinitions(folder, steps);
    return problems.length === 0 ? set : invalid(folder, problems);
  } catch (error) {
    const known = startError(error);
    if (!known) throw error;
    return known;
  }
}

function invalid(folder: string, problems: readonly Problem[]): GantryError {
  const details = {
    file: problems[0]?.file ?? folder,
    count: problems.length,
    problem: problems.map((one) => `${one.file}:${one.line}: ${one.detail}`).join("; "),
  };
  return new GantryError("pipeline-invalid", details, { problems });
}

/** Without the details of the mistakes: `/readyz` needs no token. */
function whyRefused({ problems }: GantryError): string {
  const [first] = problems;
  const what = first ? `have mistakes, the first one in ${first.file}:${first.line}` : "cannot be read";
  return `The pipeline files ${what}. The last good set stays in force.`;
}

async function loadLastGood(journal: Journal): Promise<DefinitionSet | undefined> {
  const set = await setStream.load(journal);
  if (!set) return undefined;
  const definitions = await Promise.all(
    set.state.definitions.map(async ({ version }) => ({ version, pipeline: await loadPinned(journal, version) })),
  );
  return { definitions, environments: set.state.environments ?? {} };
}

async function loadPinned(journal: Journal, version: string): Promise<Pipeline> {
  const loaded = await definitionStream.load(journal, version);
  if (!loaded) throw new Error(`the definition ${version} is not in the journal`);
  return loaded.state;
}

function makeDefinitions(
  { definitions, environments }: DefinitionSet,
  steps: readonly StepDescription[],
  journal: Journal,
  problems: readonly string[],
): Definitions {
  const current = new Map(definitions.map((one) => [one.pipeline.name, one]));
  const byVersion = new Map(definitions.map(({ version, pipeline }) => [version, pipeline]));
  return {
    list: () => definitions,
    current: (name) => current.get(name),
    steps,
    environments: () => environments,
    problems: () => problems,
    pinned: async (version) => {
      const pipeline = byVersion.get(version) ?? (await loadPinned(journal, version));
      byVersion.set(version, pipeline);
      return pipeline;
    },
  };
}

/** Stores a version that tasks will be pinned to. */
export async function keepDefinition(journal: Journal, { version, pipeline }: Definition): Promise<void> {
  // A conflict means that it is stored already: the same digest means the same file.
  await journal.append([
    definitionStream.append(version, {
      expected: 0,
      events: [{ kind: "DefinitionKept", name: pipeline.name, version }],
      state: JSON.parse(JSON.stringify(pipeline)),
    }),
  ]);
}
