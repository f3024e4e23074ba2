// The set of definitions in force, as stored. Agents that share a journal share it.

import type { Environments } from "@gantry/core/build/environments.ts";
import type { OwnPolicy } from "@gantry/core/choice/own-policy.ts";
import type { SiteDefaults } from "@gantry/core/site/site-defaults.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import { defineStream } from "@gantry/journal/typed-stream.ts";
import type { DefinitionSource } from "@gantry/wire/agent/definitions.ts";
import type { Definition, DefinitionSet, OtherFile } from "../tasks/read-definitions.ts";

type StoredDefinition = { readonly name: string } & Omit<Definition, "pipeline">;

/** The text of its version is in a stream of its own. */
export type StoredFile = Pick<OtherFile, "file" | "digest">;

export type SetState = {
  readonly definitions: readonly StoredDefinition[];
  /** Absent in sets of older versions, like `source` and `at`. */
  readonly environments?: Environments;
  readonly own?: OwnPolicy;
  readonly sites?: SiteDefaults;
  readonly others?: readonly StoredFile[];
  readonly source?: DefinitionSource;
  /** When it came into force; store time, ms. */
  readonly at?: number;
};

type SetEvent = { readonly kind: "DefinitionsInForce"; readonly at: number; readonly source: DefinitionSource } & Pick<
  SetState,
  "definitions" | "others"
>;

export const setStream = defineStream<SetState, SetEvent>({ prefix: "agent/definitions" });

const MAX_CONFLICTS = 8;

/**
 * Makes this set the one in force, unless it is already. The last of several agents wins. Its definitions must be stored
 * already. Durable when it resolves; rejects when the store fails.
 */
export async function putInForce(
  journal: Pick<Journal, "load" | "append" | "now">,
  { definitions, environments, own, sites, others: files }: DefinitionSet,
  source: DefinitionSource,
): Promise<void> {
  const list = definitions.map(({ pipeline: { name }, ...rest }): StoredDefinition => ({ name, ...rest }));
  const others = files.map(({ file, digest }): StoredFile => ({ file, digest }));
  for (let round = 0; round < MAX_CONFLICTS; round += 1) {
    const before = await setStream.load(journal);
    const wanted = { definitions: list, environments, own, sites, others, source };
    if (before && isSame(before.state, wanted)) return;
    const at = Math.floor((await journal.now()) / 1_000);
    const state: SetState = { ...wanted, at };
    const events = [{ kind: "DefinitionsInForce", at, source, definitions: list, others }] as const;
    const { ok } = await journal.append([setStream.append("", { expected: before?.version ?? 0, events, state })]);
    if (ok) return;
  }
  throw new Error("other agents kept changing the set of definitions");
}

/** Another task that reads the same commit changes nothing. */
function isSame(a: SetState, b: SetState): boolean {
  const text = ({ definitions, environments = {}, own = [], others = [], source }: SetState): string =>
    JSON.stringify([
      definitions,
      environments,
      own,
      others,
      source?.kind === "git" ? [source.repository, source.commit] : source,
    ]);
  return text(a) === text(b);
}
