// Verifies a chain of audit entries from their texts, oldest first. Needs nothing but the texts: it works on an exported
// file, on a journal and on what a portal answers.

import { isJsonObject, type JsonObject, type JsonValue } from "@gantry/core/json.ts";
import { CHAIN_START, type ChainEnd, harmless, hashOfBody } from "./entry.ts";

export type AuditVerdict =
  | {
      readonly ok: true;
      readonly entries: number;
      readonly first: number;
      readonly last: ChainEnd;
      /** Intents without an outcome: requests that are running, or whose process ended before the outcome. */
      readonly open: readonly number[];
      /** Why the chain does not begin with entry 1. Whoever can write the chain can also write this reason. */
      readonly trimmed?: Trimmed;
    }
  | { readonly ok: false; readonly place: string; readonly problem: string };

/** `by`: the entry that says that the retention period of those up to `through` was over. `oldest`: time of the first one that is left. */
export type Trimmed = {
  readonly through: number;
  readonly by: number;
  readonly at: string;
  readonly oldest: string;
};

export type Verifier = {
  /** The next entry. The first wrong one decides the verdict; later ones are ignored. */
  readonly add: (text: string) => void;
  /** `head`: the end that the journal itself names. */
  readonly end: (known?: { readonly head?: ChainEnd }) => AuditVerdict;
};

type State = {
  entries: number;
  first: ChainEnd | undefined;
  last: ChainEnd;
  readonly open: Set<number>;
  /** Where the chain may begin: what retention recorded about what it removed. */
  readonly trims: Map<number, { readonly hash: string; readonly by: number; readonly at: string }>;
  /** Time of the first entry. */
  oldest: string;
  wrong: { place: string; problem: string } | undefined;
};

/** `expect`: a hash that was noted earlier and must be in the chain, so that a cut end is found. */
export function openVerifier(expect?: string): Verifier {
  const state: State = {
    entries: 0,
    first: undefined,
    last: CHAIN_START,
    open: new Set(),
    trims: new Map(),
    oldest: "",
    wrong: undefined,
  };
  let isFound = expect === undefined || expect === CHAIN_START.hash;
  return {
    add: (text) => {
      if (state.wrong) return;
      const problem = check(state, text);
      if (problem === undefined) isFound ||= state.last.hash === expect;
      else state.wrong = { place: placeOf(state, text), problem };
    },
    end: ({ head } = {}) => {
      if (state.wrong) return { ok: false, ...state.wrong };
      const problem = checkEnds(state, head) ?? (isFound ? undefined : missingHash(expect ?? ""));
      if (problem) return { ok: false, ...problem };
      const { entries, first, last, open } = state;
      const trimmed = trimmedOf(state);
      const verdict = { ok: true, entries, first: first ? first.seq + 1 : 0, last, open: [...open] } as const;
      return trimmed ? { ...verdict, trimmed } : verdict;
    },
  };
}

/** What is wrong with the next entry; undefined when it continues the chain. */
function check(state: State, text: string): string | undefined {
  const entry = parse(text);
  if (!entry) return "It is not an entry: the text is damaged.";
  // Otherwise a different text could have the same meaning, e.g. with other escapes.
  if (JSON.stringify(entry) !== text) return "Its text was changed.";
  const { hash, ...body } = entry;
  const { seq, prev } = body;
  if (typeof seq !== "number" || typeof prev !== "string" || typeof hash !== "string")
    return "It has no number or no hash.";
  if (hashOfBody(body) !== hash) return "Its content does not match its hash: it was changed.";
  const before = state.first ? state.last : { seq: seq - 1, hash: prev };
  if (seq !== before.seq + 1) return `Entry ${before.seq + 1} is missing, or entries were moved.`;
  if (prev !== before.hash) return `It does not continue entry ${before.seq}: one of the two was replaced.`;
  if (!state.first) state.oldest = shownTime(body.at);
  state.first ??= before;
  state.last = { seq, hash };
  state.entries += 1;
  remember(state, body);
  return undefined;
}

function remember(state: State, { seq, at, kind, of, through, throughHash }: JsonObject): void {
  if (kind === "intent" && typeof seq === "number") state.open.add(seq);
  if (kind === "done" && typeof of === "number") state.open.delete(of);
  if (kind === "trimmed" && typeof through === "number" && typeof throughHash === "string")
    state.trims.set(through, { hash: throughHash, by: Number(seq), at: shownTime(at) });
}

/** Whoever wrote the chain anew may have written any text. */
function shownTime(at: JsonValue | undefined): string {
  return harmless(String(at), 40);
}

function checkEnds({ first, last, trims }: State, head: ChainEnd | undefined): Wrong | undefined {
  if (first && first.seq > 0 && trims.get(first.seq)?.hash !== first.hash) {
    const problem = "The entries before it are missing, and no entry says that their retention period was over.";
    return { place: `entry ${first.seq + 1}`, problem };
  }
  if (first?.seq === 0 && first.hash !== CHAIN_START.hash)
    return { place: "entry 1", problem: "It does not begin a chain." };
  if (head && head.seq > last.seq)
    return { place: `entry ${last.seq + 1}`, problem: `It is missing: the journal had ${head.seq} entries.` };
  if (head && head.hash !== last.hash)
    return { place: `entry ${last.seq}`, problem: "It is not the entry that the journal names as its last." };
  return undefined;
}

function trimmedOf({ first, trims, oldest }: State): Trimmed | undefined {
  const trim = first && trims.get(first.seq);
  return trim && { through: first.seq, by: trim.by, at: trim.at, oldest };
}

type Wrong = { readonly place: string; readonly problem: string };

function missingHash(expect: string): Wrong {
  const problem = `No entry has the expected hash ${expect.slice(0, 12)}…: the end was cut off, or the chain was written anew.`;
  return { place: "the end", problem };
}

function placeOf(state: State, text: string): string {
  const expected = state.last.seq + 1;
  const seq = parse(text)?.seq;
  if (!state.first) return typeof seq === "number" ? `entry ${seq}` : "the first entry";
  return typeof seq === "number" && seq !== expected ? `entry ${expected} (found ${seq})` : `entry ${expected}`;
}

function parse(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
