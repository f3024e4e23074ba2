// Decides whether this Redis may be used as a journal. Done at every connect.

import { counted } from "@gantry/core/count.ts";
import { GantryError } from "@gantry/core/errors.ts";

export type ServerFacts = {
  readonly address: string;
  readonly version: string;
  readonly role: string;
  /** Replicas that are connected and up to date. */
  readonly replicas: number;
  /** Settings by name; undefined when the account may not read them. */
  readonly settings: ReadonlyMap<string, string> | undefined;
};

export type Verdict = { readonly refuse?: GantryError; readonly warnings: readonly string[] };

const OLDEST = [6, 2] as const;

export function decideServer(
  facts: ServerFacts,
  wanted: { readonly waitReplicas: number; readonly allowLazyFsync: boolean },
): Verdict {
  const { address, settings } = facts;
  const unsafe = (problem: string, todo: string): Verdict => ({
    refuse: new GantryError("store-unsafe", { address, problem, todo }),
    warnings: [],
  });
  if (facts.role !== "master") {
    const problem = `Redis at ${address} is a ${facts.role}, not a primary.`;
    return { refuse: new GantryError("unavailable", { what: "The journal", problem }), warnings: [] };
  }
  if (older(facts.version)) {
    return unsafe(`it is version ${facts.version}`, `Use Redis ${OLDEST.join(".")} or later; 7.2 or later is better.`);
  }
  const warnings: string[] = [];
  if (!settings) warnings.push("its settings cannot be checked: the account may not use CONFIG GET");
  const policy = settings?.get("maxmemory-policy");
  if (policy !== undefined && policy !== "noeviction") {
    return unsafe(`maxmemory-policy is ${policy}`, "Set maxmemory-policy to noeviction: a full Redis must refuse.");
  }
  const lazy = settings && lazyFsync(settings);
  if (lazy && !wanted.allowLazyFsync) {
    return unsafe(lazy, "Set appendonly yes and appendfsync always, or allow lazy fsync in the configuration.");
  }
  if (lazy) warnings.push(`${lazy}: a crash of Redis can lose the last moments`);
  if (facts.replicas < wanted.waitReplicas) {
    warnings.push(
      `${counted(facts.replicas, "replica is", "replicas are")} connected, ${wanted.waitReplicas} must confirm: nothing can be written`,
    );
  } else if (wanted.waitReplicas === 0) {
    warnings.push("no replica confirms writes (waitReplicas is 0): when this Redis is lost, what it had is lost");
  }
  return { warnings };
}

function lazyFsync(settings: ReadonlyMap<string, string>): string | undefined {
  if (settings.get("appendonly") !== "yes") return `appendonly is ${settings.get("appendonly") ?? "unknown"}`;
  const fsync = settings.get("appendfsync") ?? "unknown";
  return fsync === "always" ? undefined : `appendfsync is ${fsync}`;
}

function older(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return !(major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]));
}
