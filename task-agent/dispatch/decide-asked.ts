// What an operator asks of a runner: to take no new jobs, or to end its process. Pure. A stop is for the process that the
// runner has now; a drain is for the runner, until it is taken back.

import { GantryError } from "@gantry/core/errors.ts";
import type { RunnerAsked } from "@gantry/wire/agent/sites/views.ts";
import type { SessionRequest, StopOrder } from "@gantry/wire/runner/protocol.ts";
import { iso } from "../api/iso.ts";

export type Asked = Omit<RunnerAsked, "at" | "state"> & {
  /** When the operator asked, ms since 1970. */
  readonly at: number;
};

/** `work`: it takes jobs again. */
export type AskedFor = { readonly to: Asked["to"] | "work"; readonly by: string; readonly reason: string };

/** The part of what is stored about a runner that decides. */
type Known = {
  readonly facts: Pick<SessionRequest, "runner" | "version" | "obeys" | "bootId">;
  readonly removed: boolean;
  readonly asked?: Asked | undefined;
};

/** A runner says that it can be stopped, and its log read. */
export const STOP = "stop";

/**
 * The runner afterwards. The same request again changes nothing, and neither does a stop of a runner that is already stopped at
 * once. `conflict` for a runner out of service, and for taking back a stop: the runner may have heard of it. `runner-cannot` for a
 * stop of an older version.
 */
export function decideAsk<K extends Known>(known: K, asked: AskedFor, at: number): K | GantryError {
  const { facts, removed } = known;
  const isStopping = known.asked !== undefined && known.asked.to !== "drain";
  if (removed) return conflict(facts.runner, "is out of service", "It was removed.", "Readmit it first.");
  if (asked.to === "work" || asked.to === "drain") {
    if (isStopping)
      return conflict(facts.runner, "is being stopped", "A stop cannot be taken back.", "Start its process again.");
    return { ...known, asked: asked.to === "work" ? undefined : (known.asked ?? { ...asked, to: asked.to, at }) };
  }
  if (!facts.obeys?.includes(STOP)) return tooOld(known);
  const isEnough = isStopping && (known.asked?.to === "stop-now" || asked.to === "stop");
  return isEnough ? known : { ...known, asked: { ...asked, to: asked.to, at } };
}

/** What still counts after a process with this boot id has registered. */
export function afterRegistration(known: Known | undefined, bootId: string): Asked | undefined {
  const isSame = known?.facts.bootId === bootId;
  return isSame || known?.asked?.to === "drain" ? known?.asked : undefined;
}

/** What the process is told; undefined when it may work on. */
export function stopOf({ asked }: { readonly asked: Asked | undefined }): StopOrder | undefined {
  if (asked === undefined || asked.to === "drain") return undefined;
  return { now: asked.to === "stop-now", reason: `${asked.by}: ${asked.reason}` };
}

/** As people see it. `online`: the process is heard of. `busy`: how many jobs it has. */
export function askedView(
  { to, at, ...rest }: Asked,
  { online, busy }: { readonly online: boolean; readonly busy: number },
): RunnerAsked {
  const isDone = busy === 0 && (to === "drain" || !online);
  const [doing, done] = to === "drain" ? (["draining", "drained"] as const) : (["stopping", "stopped"] as const);
  return { to, state: isDone ? done : doing, ...rest, at: iso(at) };
}

function conflict(runner: string, problem: string, why: string, todo: string): GantryError {
  return new GantryError("conflict", { what: `Runner ${runner}`, problem, why, todo });
}

function tooOld({ facts: { runner, version } }: Known): GantryError {
  const todo = `Drain it with \`gantry runner drain ${runner}\`, and end its process on its machine with SIGTERM.`;
  return new GantryError("runner-cannot", { runner, version, what: "be stopped from here", todo });
}
