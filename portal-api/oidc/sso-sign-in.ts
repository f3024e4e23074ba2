// Creates a person and a session from an issuer's answer.

import { GantryError } from "@gantry/core/errors.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import type { NewSession, Opening, Sessions } from "../access/sessions.ts";
import type { People } from "../people/people.ts";
import { isActive, type PersonRecord } from "../people/person-record.ts";
import type { PersonChange, PersonStore } from "../people/person-store.ts";
import type { Identity } from "./decide-identity.ts";
import type { Grant } from "./flow.ts";
import type { Issuer } from "./issuers.ts";
import { seal, sessionKey } from "./seal.ts";

const MAX_TRIES = 5;

type Deps = {
  readonly journal: Journal;
  readonly store: PersonStore;
  readonly people: People;
  readonly sessions: Sessions;
};

/**
 * Opens a session; the person is saved in the same batch, so that disabling at the same time cannot leave the session
 * behind. Throws `sign-in-refused` for a disabled person, and for a username that belongs to someone else.
 */
export async function openSsoSession(
  { journal, store, people, sessions }: Deps,
  issuer: Issuer,
  grant: Grant,
  opening: Omit<Opening, "sso">,
): Promise<NewSession> {
  const { identity, sid, tokens } = grant;
  const { id } = issuer.settings;
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const { record: before, version } = await store.load(identity.name);
    const now = await journal.now();
    const person = signedIn(before, identity, issuer, now);
    const principal = { name: person.name, role: people.roleOf(person), person: true };
    const sso = (secret: string): NonNullable<ReturnType<NonNullable<Opening["sso"]>>> => ({
      issuer: id,
      subject: identity.subject,
      ...(sid === undefined ? {} : { sid }),
      sealed: seal(sessionKey(secret), JSON.stringify(tokens)),
    });
    const session = await sessions.prepare(principal, { ...opening, sso }, person.sessionsEndedAt);
    const event = { kind: "PersonSignedIn", name: person.name };
    if (await store.save({ record: person, event }, version, [session.append])) return session;
  }
  throw new GantryError("conflict", { what: `The account ${identity.name}` });
}

/** The person after a refresh; undefined if the claims are no longer those of this person. */
export function confirmed(
  before: PersonRecord,
  identity: Identity | undefined,
  subject: string,
  now: number,
): PersonChange | undefined {
  const event = { kind: "PersonConfirmed", name: before.name };
  if (!identity) return { record: { ...before, confirmedAt: now }, event };
  if (identity.name !== before.name || identity.subject !== subject) return undefined;
  return { record: { ...before, ...aboutOf(identity), confirmedAt: now }, event };
}

function signedIn(before: PersonRecord | undefined, identity: Identity, issuer: Issuer, now: number): PersonRecord {
  const { name, subject } = identity;
  const refuse = (problem: string): GantryError =>
    new GantryError("sign-in-refused", { issuer: issuer.settings.name, problem });
  const isNew = before === undefined || before.removedAt !== undefined;
  if (!isNew && !isActive(before)) throw refuse(`an administrator has disabled ${name}`);
  if (!isNew && before.subject !== subject) {
    throw refuse(`${name} was someone else before; an administrator can remove the old account`);
  }
  const { removedAt: _, ...old } = before ?? { createdBy: issuer.settings.id, createdAt: now, groups: [] };
  return {
    ...old,
    ...(isNew ? { createdBy: issuer.settings.id, createdAt: now } : {}),
    name,
    issuer: issuer.settings.id,
    subject,
    ...aboutOf(identity),
    lastSignInAt: now,
    confirmedAt: now,
  };
}

function aboutOf({ groups, displayName, mail }: Identity): Pick<PersonRecord, "groups" | "displayName" | "mail"> {
  return {
    groups: [...groups],
    ...(displayName === undefined ? {} : { displayName }),
    ...(mail === undefined ? {} : { mail }),
  };
}
