// What the portal stores about a person: `person/<name>` in its journal.

import { z } from "zod";
import { ROLES } from "../access/decide-access.ts";

const micros = z.number();

export const personRecord = z.object({
  /** `<issuer id>:<username>` for people of an issuer; local accounts have no colon. */
  name: z.string(),
  createdBy: z.string(),
  createdAt: micros,
  displayName: z.string().optional(),
  mail: z.string().optional(),
  /** The issuer's names. Rules use `<issuer id>:<group>`, so that one issuer cannot assign groups of another. */
  groups: z.array(z.string()),
  /** Given by an administrator. Other roles come from `signIn.roles`. */
  role: z.enum(ROLES).optional(),
  issuer: z.string().optional(),
  /** The `sub` of the issuer: it detects a username that the issuer has given to someone else. */
  subject: z.string().optional(),
  /** See passwords.ts. */
  password: z.string().optional(),
  /** The newest activation link, by the hash of its code. */
  activation: z.object({ hash: z.string(), expiresAt: micros }).optional(),
  /** Sessions opened until then have ended. */
  sessionsEndedAt: micros.optional(),
  /** Personal tokens created until then have ended. */
  tokensEndedAt: micros.optional(),
  lastSignInAt: micros.optional(),
  /** When the issuer last said that this person may sign in. */
  confirmedAt: micros.optional(),
  /** Client addresses of the last successful sign-ins with a password, newest first. */
  addresses: z.array(z.string()).optional(),
  disabledAt: micros.optional(),
  removedAt: micros.optional(),
});
export type PersonRecord = z.infer<typeof personRecord>;

export const PERSON_NAME = "person-name";
/** Local accounts only. */
export const PERSON_LOCAL = "person-local";
export const PEOPLE_INDEXES = [PERSON_NAME, PERSON_LOCAL] as const;

/** Names of local accounts. */
export const LOCAL_NAME = /^[a-z][a-z0-9._-]{0,62}$/;
/** Usernames that an issuer may give. A colon would make the name of the person ambiguous. */
export const USERNAME = /^[\w.@+|~-]{1,128}$/;
/** Names that stand for Gantry itself. */
export const RESERVED_NAMES: readonly string[] = ["admin", "gantry"];

/** The name as a part of a stream's name, which has fewer characters. Different names stay different. */
export function streamPart(name: string): string {
  return name.replace(/[^A-Za-z0-9\-_.:@]/g, (char) => `=${char.charCodeAt(0).toString(16).padStart(2, "0")}`);
}

/** Whether this person may do anything at all. */
export function isActive(person: PersonRecord): boolean {
  return person.disabledAt === undefined && person.removedAt === undefined;
}
