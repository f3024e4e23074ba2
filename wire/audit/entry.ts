// What an audit entry says, and how entries are chained: each one carries the hash of the one before it, so that no entry
// can be changed, removed or moved unnoticed. Pure but for the hash.

import { hash } from "node:crypto";
import type { JsonObject } from "@gantry/core/json.ts";
import { z } from "zod";

/**
 * `intent`: a change is about to be made. `done`: its outcome; `of` is the number of the intent, absent when a change had
 * none. `refused`: requests that changed nothing, counted per caller, route and minute. `agent`: a change that the
 * task-agent made for a person and that no request through a portal explains. `trimmed`: the retention period of the entries up to
 * `through` is over; they are removed after this entry. `policy`: another policy comes into force.
 */
export const AUDIT_KINDS = ["intent", "done", "refused", "agent", "trimmed", "policy"] as const;

const who = z.object({ name: z.string(), issuer: z.string().optional(), role: z.string().optional() });
const from = z.object({
  ip: z.string().describe("Address of the client, as the trusted proxies of the portal saw it"),
  client: z.enum(["console", "cli", "api"]).describe("As the client says itself"),
  token: z.string().optional().describe("Name of the token"),
  session: z.string().optional().describe("First digits of the hash of the session"),
});

/** What a caller of the chain gives; number, time and hashes are added by the chain. */
export const auditFacts = z.object({
  kind: z.enum(AUDIT_KINDS),
  of: z.int().optional(),
  who: who.optional(),
  from: from.optional(),
  route: z.string().optional().describe("The operationId of the API"),
  verb: z.string().optional(),
  on: z.record(z.string(), z.string()).optional().describe("What was changed: app, task, site, runner …"),
  pipeline: z.object({ name: z.string(), definition: z.string() }).optional(),
  paramsHash: z.string().optional().describe("SHA-256 of the parameters, without secret ones"),
  status: z.int().optional().describe("HTTP status of the answer; 0 when the process ended before it"),
  code: z.string().optional().describe("Error code"),
  request: z.string().optional().describe("Id of the request"),
  count: z.int().optional().describe("Number of requests, when there was more than one"),
  since: z.iso.datetime().optional().describe("Time of the first of them"),
  through: z.int().optional(),
  throughHash: z.string().optional(),
});
export type AuditFacts = z.infer<typeof auditFacts>;

export const auditEntry = auditFacts
  .extend({
    seq: z.int().describe("1, 2, 3 … without gaps"),
    at: z.iso.datetime(),
    prev: z.string().describe("Hash of the entry before this one; of the first entry 64 zeros"),
    hash: z.string().describe("SHA-256 of this entry"),
  })
  .meta({ id: "AuditEntry" });
export type AuditEntry = z.infer<typeof auditEntry>;

export type ChainEnd = { readonly seq: number; readonly hash: string };

export const CHAIN_START: ChainEnd = { seq: 0, hash: "0".repeat(64) };

/** The entry after `before`. `at` in ms since 1970. */
export function chained(facts: AuditFacts, before: ChainEnd, at: number): AuditEntry {
  const body = { seq: before.seq + 1, at: new Date(at).toISOString(), ...facts, prev: before.hash };
  return { ...body, hash: hashOfBody(body) };
}

/** Of everything but `hash`, in the order in which it is stored. */
export function hashOfBody(body: object): string {
  return hash("sha256", JSON.stringify(body));
}

/** The text of an entry in journals and exported files: one line, the same for equal entries. */
export function textOf(entry: AuditEntry | JsonObject): string {
  return JSON.stringify(entry);
}

/** Text from outside with nothing in it that could forge, hide or reorder what a person reads. */
export function harmless(text: string, most = 200): string {
  const shown = text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (char) => `\\u{${char.codePointAt(0)?.toString(16)}}`);
  return shown.length <= most ? shown : `${shown.slice(0, most)}…`;
}
