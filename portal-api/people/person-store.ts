// People in the journal: one stream per person, `person/<name>`.

import { GantryError } from "@gantry/core/errors.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import type { Journal, StreamAppend } from "@gantry/journal/journal.ts";
import type { AccessChanges } from "../access/changes.ts";
import { PERSON_LOCAL, PERSON_NAME, type PersonRecord, personRecord, streamPart } from "./person-record.ts";

export type StoredPerson = { readonly version: number; readonly record: PersonRecord | undefined };
export type PersonChange = { readonly record: PersonRecord; readonly event: JsonObject };

/** Safe to use concurrently; changes are durable when their promise resolves. */
export type PersonStore = {
  /** Version 0 and no record if the person never existed. A removed person still has a record. */
  readonly load: (name: string) => Promise<StoredPerson>;
  /** By name, without removed ones. */
  readonly all: () => Promise<readonly PersonRecord[]>;
  readonly hasLocal: () => Promise<boolean>;
  /**
   * Saves a person, and the other appends in the same batch. False when one of them has changed since it was loaded; then
   * nothing is saved.
   */
  readonly save: (change: PersonChange, version: number, together?: readonly StreamAppend[]) => Promise<boolean>;
  /** Decides and saves until no one else has changed the person in between. */
  readonly change: (
    name: string,
    decide: (record: PersonRecord | undefined, now: number) => PersonChange,
  ) => Promise<PersonRecord>;
};

const PAGE = 200;
const MAX_TRIES = 10;

export function openPersonStore(journal: Journal, changes: AccessChanges): PersonStore {
  const load = async (name: string): Promise<StoredPerson> => {
    const loaded = await journal.load(streamOf(name));
    if (!loaded) return { version: 0, record: undefined };
    return { version: loaded.version, record: personRecord.parse(loaded.snapshot) };
  };
  const save: PersonStore["save"] = async ({ record, event }, version, together = []) => {
    const append = { stream: streamOf(record.name), expected: version, events: [event], ...contentOf(record) };
    const result = await journal.append([append, ...together]);
    if (result.ok) changes.changed(record.name);
    return result.ok;
  };
  return {
    load,
    save,
    all: async () => {
      const people: PersonRecord[] = [];
      let cursor: string | undefined;
      do {
        const page = await journal.find({ index: PERSON_NAME, limit: PAGE, ...(cursor ? { cursor } : {}) });
        people.push(...page.items.map((item) => personRecord.parse(item.snapshot)));
        cursor = page.cursor;
      } while (cursor);
      return people;
    },
    hasLocal: async () => (await journal.find({ index: PERSON_LOCAL, limit: 1 })).items.length > 0,
    change: async (name, decide) => {
      for (let tries = 0; tries < MAX_TRIES; tries += 1) {
        const { version, record } = await load(name);
        const change = decide(record, await journal.now());
        if (await save(change, version)) return change.record;
      }
      throw new GantryError("conflict", { what: `The account ${name}` });
    },
  };
}

function streamOf(name: string): string {
  return `person/${streamPart(name)}`;
}

function contentOf(record: PersonRecord): Pick<StreamAppend, "snapshot" | "index"> {
  const { name, issuer, removedAt } = record;
  const local: { [index: string]: string[] } = issuer === undefined ? { [PERSON_LOCAL]: [name] } : {};
  // JSON has no undefined fields.
  const snapshot = JSON.parse(JSON.stringify(record)) as JsonObject;
  return { snapshot, index: removedAt === undefined ? { [PERSON_NAME]: [name], ...local } : {} };
}
