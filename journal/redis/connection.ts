// Three connections to one Redis process that live and die together: one for changes (WAIT blocks it, and counts only what
// was written on it), one for reads, one for notifications.

import { createHash } from "node:crypto";
import type { Redis } from "ioredis";
import { SCRIPTS, type ScriptName } from "./scripts.ts";

export type Connection = {
  readonly write: Redis;
  readonly read: Redis;
  readonly address: string;
  /** The run of the Redis process and the store that this connection took over; see scripts.ts. */
  readonly run: string;
  readonly store: string;
  readonly epoch: number;
  /** Replicas that were connected when it was last checked. */
  replicas: number;
};

const SHAS = Object.fromEntries(
  Object.entries(SCRIPTS).map(([name, lua]) => [name, createHash("sha1").update(lua).digest("hex")]),
) as Record<ScriptName, string>;

/** How a loaded script is called. */
export function shaOf(script: ScriptName): string {
  return SHAS[script];
}
