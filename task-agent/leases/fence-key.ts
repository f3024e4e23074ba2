// The key that signs the proofs of fences. All agents of an installation derive the same one.

import { scryptSync } from "node:crypto";

/** By token: deriving it takes a tenth of a second, and a process may run several agents. */
const keys = new Map<string, Uint8Array>();

/** `token`: that of the portal. The key is slow to derive, because runners receive what it signs and could try out tokens. */
export function fenceKeyOf(token: string): Uint8Array {
  const key = keys.get(token) ?? scryptSync(token, "gantry fences", 32);
  keys.set(token, key);
  return key;
}
