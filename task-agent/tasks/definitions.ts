// The pipeline definitions in use, and every version that a task is pinned to. A version is the digest of the file. Every
// version is stored in the journal, so that a task runs to its end with the file it started with. The journal also has the
// set in force: agents that share it follow it, and it stays in force while newer files have mistakes.

import { hash } from "node:crypto";
import type { Environments } from "@gantry/core/build/environments.ts";
import type { OwnPolicy } from "@gantry/core/choice/own-policy.ts";
import type { DefinitionFiles } from "@gantry/core/definitions/check-set.ts";
import type { Problem } from "@gantry/core/errors.ts";
import { GantryError } from "@gantry/core/errors.ts";
import type { Pipeline, StepDescription } from "@gantry/core/pipeline/pipeline.ts";
import type { SiteDefaults } from "@gantry/core/site/site-defaults.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import { defineStream } from "@gantry/journal/typed-stream.ts";
import { startError } from "@gantry/runtime/process/start-error.ts";
import type { DefinitionSource } from "@gantry/wire/agent/definitions.ts";
import type { Alarms } from "../alarms.ts";
import { type DefinitionPlace, readFolder, watchFolder } from "../definitions/folder.ts";
import { putInForce, type StoredFile, setStream } from "../definitions/set-stream.ts";
import { checkDefinitions, type Definition, type DefinitionSet } from "./read-definitions.ts";

export type { Definition } from "./read-definitions.ts";

const definitionStream = defineStream<Pipeline>({ prefix: "definition/" });
/** Files of sets besides the pipelines. Key: the digest. Every version is kept. */
const fileStream = defineStream<{ readonly text: string }>({ prefix: "definition-file/" });

export type Definitions = {
  readonly list: () => readonly Definition[];
  readonly current: (name: string) => Definition | undefined;
  /** The definition that a task is pinned to. Rejects when it is missing: a bug, because it was stored before the task. */
  readonly pinned: (version: string) => Promise<Pipeline>;
  readonly steps: readonly StepDescription[];
  /** What environments demand of builds. Default: nothing but the release branch. */
  readonly environments?: () => Environments;
  /** Which apps may bring pipelines of their own. Default: none. */
  readonly own?: () => OwnPolicy;
  /** What the installation presets at each site. Default: nothing. */
  readonly sites?: () => SiteDefaults;
  /** Why the files of the folder are not in force, as sentences for operators. Default: they are. */
  readonly problems?: () => readonly string[];
};

/** Files of a folder that are not in force. `at`: store time, ms. */
export type RefusedFiles = { readonly at: number; readonly problems: readonly Problem[] };

export type LiveDefinitions = Definitions & {
  /** The set in force, without the pipelines of Gantry itself. */
  readonly set: () => readonly Definition[];
  /** Where the set in force came from, and when: store time, ms. */
  readonly origin: () => { readonly source: DefinitionSource; readonly at: number | undefined };
  /** The files that are in force besides the pipelines. */
  readonly others: () => readonly StoredFile[];
  /** The text of a version of such a file. Rejects when it is missing: a bug, because it was stored before the set. */
  readonly textOf: (digest: string) => Promise<string>;
  /** The last files of the folder, if they have mistakes. */
  readonly refused: () => RefusedFiles | undefined;
  /**
   * Checks a set as a whole and puts it in force. Otherwise answers every mistake, and the set in force stays. Rejects when
   * the store fails.
   */
  readonly offer: (files: DefinitionFiles, source: DefinitionSource) => Promise<readonly Problem[]>;
  /**
   * Follows the set in force, which another agent may have changed, and the folder. To be called every second. Rejects when
   * the store fails.
   */
  readonly tick: () => Promise<void>;
};

export type DefinitionOptions = {
  readonly alarms?: Alarms | undefined;
  /** A file in place of params.yaml of the folder. */
  readonly params?: string | undefined;
  /** Pipelines of Gantry itself that people may start; no file replaces them. Default: none. */
  readonly builtIn?: readonly Definition[];
  /** Definitions come from git: the folder counts only until the first set was read from there. */
  readonly git?: boolean;
};

const FOLDER: DefinitionSource = { kind: "folder" };

/**
 * Opens the definitions of a folder. A mistake in any file invalidates the whole set: the last valid one stays in force, and
 * an alarm is raised. If there is none, throws `pipeline-invalid` with every mistake in the error, or why the folder cannot
 * be read.
 */
export async function openDefinitions(
  folder: string,
  steps: readonly StepDescription[],
  journal: Journal,
  { alarms, git = false, builtIn = [], params }: DefinitionOptions = {},
): Promise<LiveDefinitions> {
  const live = openLive(steps, journal);
  let refused: { readonly files: RefusedFiles; readonly problem: string } | undefined;
  await live.follow();
  const isFollowing = (): boolean => git && live.origin().source.kind === "git";

  const readAgain = async (): Promise<GantryError | undefined> => {
    refused = undefined;
    const files = await readOrRefuse({ folder, params });
    const problems = files instanceof GantryError ? [] : await live.offer(files, FOLDER);
    const error = files instanceof GantryError ? files : problems.length > 0 ? invalid(folder, problems) : undefined;
    if (!error) return undefined;
    const problem = whyRefused(error);
    refused = { files: { at: Math.floor((await journal.now()) / 1_000), problems: describedProblems(error) }, problem };
    if (live.isOpen()) alarms?.raise("pipelines-refused", { folder, problems: error.problems, err: error }, problem);
    return error;
  };

  const watch = await watchFolder({ folder, params });
  if (!isFollowing()) {
    const error = await readAgain();
    if (error && !live.isOpen()) throw error;
  }
  for (const one of builtIn) await keepDefinition(journal, one);
  const { pinned, environments, own, origin, offer, sites, others } = live;
  const builtInNamed = (name: string): Definition | undefined => builtIn.find(({ pipeline }) => pipeline.name === name);
  // A set of an older version may have a file of this name.
  const set = (): readonly Definition[] => live.list().filter(({ pipeline }) => !builtInNamed(pipeline.name));
  return {
    ...{ pinned, environments, own, origin, offer, steps, set, sites, others },
    textOf: async (digest) => {
      const loaded = await fileStream.load(journal, digest);
      if (!loaded) throw new Error(`the file ${digest} is not in the journal`);
      return loaded.state.text;
    },
    list: () => [...set(), ...builtIn],
    current: (name) => builtInNamed(name) ?? live.current(name),
    problems: () => (refused ? [refused.problem] : []),
    refused: () => refused?.files,
    tick: async () => {
      await live.follow();
      if (!isFollowing() && (await watch.hasChanged())) await readAgain();
    },
  };
}

/** The set in force in this process. */
function openLive(steps: readonly StepDescription[], journal: Journal) {
  let current = new Map<string, Definition>();
  let environments: Environments = {};
  let own: OwnPolicy = [];
  let sites: SiteDefaults = {};
  let others: readonly StoredFile[] = [];
  let origin: ReturnType<LiveDefinitions["origin"]> = { source: FOLDER, at: undefined };
  let version: number | undefined;
  const byVersion = new Map<string, Pipeline>();

  const pinned = async (wanted: string): Promise<Pipeline> => {
    const pipeline = byVersion.get(wanted) ?? (await loadPinned(journal, wanted));
    byVersion.set(wanted, pipeline);
    return pipeline;
  };
  const follow = async (): Promise<void> => {
    const loaded = await setStream.load(journal);
    if (!loaded || loaded.version === version) return;
    const { state } = loaded;
    const all = state.definitions.map(async ({ name: _, ...rest }) => ({
      ...rest,
      pipeline: await pinned(rest.version),
    }));
    const definitions: readonly Definition[] = await Promise.all(all);
    current = new Map(definitions.map((one) => [one.pipeline.name, one]));
    environments = state.environments ?? {};
    own = state.own ?? [];
    sites = state.sites ?? {};
    others = state.others ?? [];
    origin = { source: state.source ?? FOLDER, at: state.at };
    version = loaded.version;
  };
  return {
    list: () => [...current.values()],
    current: (name: string) => current.get(name),
    environments: () => environments,
    own: () => own,
    sites: () => sites,
    others: () => others,
    origin: () => origin,
    isOpen: () => version !== undefined,
    pinned,
    follow,
    offer: async (files: DefinitionFiles, source: DefinitionSource): Promise<readonly Problem[]> => {
      const { problems, ...set } = checkDefinitions(files, steps);
      if (problems.length > 0) return problems;
      // A volume that is not mounted is an empty folder.
      if (set.definitions.length === 0 && current.size > 0) return [{ detail: "there is no pipeline file" }];
      const lost = rolesProblem(others, set.others);
      if (lost) return [lost];
      await keepAll(journal, set);
      await putInForce(journal, set, source);
      await follow();
      return [];
    },
  };
}

/** Portals that follow the roles would have no administrator any more. */
function rolesProblem(before: readonly StoredFile[], after: readonly StoredFile[]): Problem | undefined {
  const hasRoles = (files: readonly StoredFile[]): boolean => files.some(({ file }) => file.startsWith("roles/"));
  if (!hasRoles(before) || hasRoles(after)) return undefined;
  return { detail: "the folder roles is missing, and nobody would be an administrator: keep a file in it" };
}

async function keepAll(journal: Journal, { definitions, others }: DefinitionSet): Promise<void> {
  for (const definition of definitions) await keepDefinition(journal, definition);
  for (const { file, text, digest } of others) {
    // A conflict means that it is stored already.
    const events = [{ kind: "DefinitionFileKept", file, version: digest }];
    await journal.append([fileStream.append(digest, { expected: 0, events, state: { text } })]);
  }
}

async function readOrRefuse(place: DefinitionPlace): Promise<DefinitionFiles | GantryError> {
  try {
    return await readFolder(place);
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
    problem: problems.map((one) => `${one.file ?? folder}:${one.line ?? 1}: ${one.detail}`).join("; "),
  };
  return new GantryError("pipeline-invalid", details, { problems });
}

/** A folder that cannot be read has no problem of its own. */
function describedProblems({ problems, message, details }: GantryError): readonly Problem[] {
  return problems.length > 0 ? problems : [{ detail: `${message} ${String(details.problem ?? "")}`.trim() }];
}

/** Without the details of the mistakes: `/readyz` needs no token. */
function whyRefused({ problems }: GantryError): string {
  const [first] = problems;
  const mistakes = `have mistakes, the first one in ${first?.file}:${first?.line}`;
  const what = first === undefined ? "cannot be read" : first.file === undefined ? "are missing" : mistakes;
  return `The pipeline files ${what}. The last good set stays in force.`;
}

async function loadPinned(journal: Journal, version: string): Promise<Pipeline> {
  const loaded = await definitionStream.load(journal, version);
  if (!loaded) throw new Error(`the definition ${version} is not in the journal`);
  return loaded.state;
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

/** Stores a definition that the agent has made, under the digest of all of it. */
export async function keepGenerated(journal: Journal, pipeline: Pipeline): Promise<Definition> {
  const definition = { version: `sha256:${hash("sha256", JSON.stringify(pipeline), "hex")}`, pipeline };
  await keepDefinition(journal, definition);
  return definition;
}
