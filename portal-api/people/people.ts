// Accounts of people: created and changed by an administrator, activated by their owner.

import { GantryError } from "@gantry/core/errors.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import type { Caller, Role } from "../access/decide-access.ts";
import { hashOf, newSecret } from "../access/records.ts";
import { decideRole, type RoleRule } from "./decide-role.ts";
import { type Passwords, passwordProblem } from "./passwords.ts";
import { isActive, type PersonRecord, RESERVED_NAMES } from "./person-record.ts";
import type { PersonStore } from "./person-store.ts";

export type Activation = { readonly code: string; readonly expiresAt: number };
export type NewPerson = {
  readonly name: string;
  readonly displayName?: string | undefined;
  readonly mail?: string | undefined;
  readonly role?: Role | undefined;
  readonly groups?: readonly string[] | undefined;
};

/** The current rights of a person. */
export type PersonRights = Pick<Caller, "name" | "role" | "groups" | "issuer">;

/** Safe to use concurrently. A change is durable when its promise resolves, and takes effect for the next request. */
export type People = {
  /** A local account without a password. Throws `bad-request` when the name is in use. */
  readonly create: (request: NewPerson, by: string) => Promise<{ record: PersonRecord; activation: Activation }>;
  /** Takes the password away and ends all sessions and personal tokens. The code sets a new password. Throws `not-found`. */
  readonly reset: (name: string, by: string) => Promise<Activation>;
  /** Sets the password. Undefined when the code is unknown, used, replaced or expired. Throws `bad-request` for a weak password. */
  readonly activate: (code: string, password: string) => Promise<PersonRecord | undefined>;
  /** The person who could use a code now, if it is valid. */
  readonly ownerOf: (code: string) => Promise<string | undefined>;
  /** Ends all sessions. Throws `bad-request` for a weak password. The caller has verified the old one. */
  readonly setPassword: (record: PersonRecord, version: number, password: string) => Promise<void>;
  /** A disabled person has no rights, no sessions and no tokens. Throws `not-found`. */
  readonly setDisabled: (name: string, isDisabled: boolean, by: string) => Promise<PersonRecord>;
  /** Ends all sessions of a person. Throws `not-found`. */
  readonly endSessions: (name: string, by: string) => Promise<void>;
  readonly remove: (name: string, by: string) => Promise<void>;
  /** Throws `not-found`. */
  readonly get: (name: string) => Promise<PersonRecord>;
  /** Undefined for a person who does not exist, is disabled or was removed. */
  readonly rightsOf: (name: string) => Promise<{ rights: PersonRights; record: PersonRecord } | undefined>;
  readonly roleOf: (person: Pick<PersonRecord, "name" | "groups" | "role" | "issuer">) => Role;
};

export type PeopleSettings = {
  readonly activationHours: number;
  readonly roles: readonly RoleRule[];
  readonly defaultRole: Role;
};

const HOUR_MICROS = 3_600_000_000;

export type PeopleDeps = {
  readonly journal: Journal;
  readonly store: PersonStore;
  readonly passwords: Passwords;
  readonly settings: PeopleSettings;
  /** Whether a token has this name: a person of the same name would get its rights. */
  readonly isTokenName: (name: string) => Promise<boolean>;
};

export function makePeople(deps: PeopleDeps): People {
  const { store, settings } = deps;
  const get = async (name: string): Promise<PersonRecord> => existing((await store.load(name)).record, name);
  const roleOf: People["roleOf"] = (person) => decideRole(person, settings.roles, settings.defaultRole);
  return {
    ...activations(deps),
    get,
    roleOf,
    setPassword: async (before, version, password) => {
      const hash = await hashNew(deps.passwords, password, before.name);
      const now = await deps.journal.now();
      const record = { ...before, password: hash, sessionsEndedAt: now };
      const event = { kind: "PasswordChanged", name: before.name, by: before.name };
      if (!(await store.save({ record, event }, version))) {
        throw new GantryError("conflict", { what: `The account ${before.name}` });
      }
    },
    setDisabled: (name, isDisabled, by) =>
      store.change(name, (found, now) => {
        const { disabledAt: _, ...record } = existing(found, name);
        const event = { kind: isDisabled ? "PersonDisabled" : "PersonEnabled", name, by };
        if (!isDisabled) return { record, event };
        return { record: { ...record, disabledAt: now, sessionsEndedAt: now, tokensEndedAt: now }, event };
      }),
    endSessions: async (name, by) => {
      await store.change(name, (found, now) => ({
        record: { ...existing(found, name), sessionsEndedAt: now },
        event: { kind: "SessionsEnded", name, by },
      }));
    },
    remove: async (name, by) => {
      await store.change(name, (found, now) => {
        const { createdAt, createdBy } = existing(found, name);
        const ended = { sessionsEndedAt: now, tokensEndedAt: now, removedAt: now };
        return {
          record: { name, createdAt, createdBy, groups: [], ...ended },
          event: { kind: "PersonRemoved", name, by },
        };
      });
    },
    rightsOf: async (name) => {
      const { record } = await store.load(name);
      if (!record || !isActive(record)) return undefined;
      const { groups, issuer } = record;
      const rights = { name, role: roleOf(record), groups, ...(issuer === undefined ? {} : { issuer }) };
      return { rights, record };
    },
  };
}

function activations(deps: PeopleDeps): Pick<People, "create" | "reset" | "activate" | "ownerOf"> {
  const { journal, store, passwords, settings } = deps;

  /** The owner is found by the stream of the code; only the newest code of a person is valid. */
  const newActivation = async (name: string): Promise<Activation & { readonly hash: string }> => {
    const code = newSecret();
    const hash = hashOf(code);
    const event = { kind: "ActivationCreated", name };
    await journal.append([{ stream: `activation/${hash}`, expected: 0, events: [event], snapshot: { name } }]);
    return { code, hash, expiresAt: (await journal.now()) + settings.activationHours * HOUR_MICROS };
  };

  const ownerOf = async (code: string): Promise<{ record: PersonRecord; version: number } | undefined> => {
    const hash = hashOf(code);
    const found = await journal.load(`activation/${hash}`);
    const name = found && (found.snapshot as { readonly name: string }).name;
    if (name === undefined) return undefined;
    const { record, version } = await store.load(name);
    if (!record || !isActive(record) || record.activation?.hash !== hash) return undefined;
    return record.activation.expiresAt > (await journal.now()) ? { record, version } : undefined;
  };

  return {
    create: async (request, by) => {
      const { name, displayName, mail, role, groups = [] } = request;
      if (RESERVED_NAMES.includes(name) || (await deps.isTokenName(name))) {
        throw new GantryError("bad-request", { problem: `the name ${name} is reserved, or a token has it` });
      }
      const { code, hash, expiresAt } = await newActivation(name);
      const record = await store.change(name, (found, now) => {
        if (found && found.removedAt === undefined) {
          throw new GantryError("bad-request", { problem: `an account named ${name} exists already` });
        }
        const ended = found ? { sessionsEndedAt: now, tokensEndedAt: now } : {};
        const about = { displayName, mail, role, groups: [...groups] };
        const created = { name, createdBy: by, createdAt: now, activation: { hash, expiresAt } };
        return { record: { ...created, ...about, ...ended }, event: { kind: "PersonCreated", name, by } };
      });
      return { record, activation: { code, expiresAt } };
    },

    reset: async (name, by) => {
      const { code, hash, expiresAt } = await newActivation(name);
      await store.change(name, (found, now) => {
        const { password: _, ...record } = existing(found, name);
        if (record.issuer !== undefined) {
          throw new GantryError("bad-request", { problem: `${name} has no password here: the issuer keeps it` });
        }
        const activation = { hash, expiresAt };
        return {
          record: { ...record, activation, sessionsEndedAt: now, tokensEndedAt: now },
          event: { kind: "PersonReset", name, by },
        };
      });
      return { code, expiresAt };
    },

    activate: async (code, password) => {
      const found = await ownerOf(code);
      if (!found) return undefined;
      const { activation: _, ...record } = found.record;
      const next = { ...record, password: await hashNew(passwords, password, record.name) };
      const event = { kind: "PersonActivated", name: record.name };
      // Another version: someone else has used the code, or an administrator has replaced it.
      return (await store.save({ record: next, event }, found.version)) ? next : undefined;
    },

    ownerOf: async (code) => (await ownerOf(code))?.record.name,
  };
}

/** A removed person counts as missing. */
function existing(record: PersonRecord | undefined, name: string): PersonRecord {
  if (!record || record.removedAt !== undefined) throw new GantryError("not-found", { kind: "person", name });
  return record;
}

async function hashNew(passwords: Passwords, password: string, name: string): Promise<string> {
  const problem = passwordProblem(password, name);
  if (problem !== undefined) throw new GantryError("bad-request", { problem });
  return passwords.hash(password);
}
