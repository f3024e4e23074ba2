// A chain of entries, and what an attacker may do to it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { anyCharacter } from "@gantry/lab/any-character.fixture.ts";
import fc from "fast-check";
import { type AuditFacts, CHAIN_START, type ChainEnd, chained, harmless, textOf } from "./entry.ts";
import { type AuditVerdict, openVerifier } from "./verify.ts";

function chainOf(count: number, start: ChainEnd = CHAIN_START, first: readonly AuditFacts[] = []): string[] {
  let end = start;
  const facts = [...first];
  for (let n = facts.length; n < count; n += 1)
    facts.push({
      kind: "done",
      who: { name: `ada-${n}` },
      verb: "run CI",
      on: { app: "orders \u001b[31m" },
      status: 202,
    });
  return facts.map((one, at) => {
    const entry = chained(one, end, 1_800_000_000_000 + at);
    end = entry;
    return textOf(entry);
  });
}

function verdictOf(texts: readonly string[], known: { head?: ChainEnd; expect?: string } = {}): AuditVerdict {
  const verifier = openVerifier(known.expect);
  for (const text of texts) verifier.add(text);
  return verifier.end(known.head === undefined ? {} : { head: known.head });
}

const hashOf = (text: string | undefined): string => (JSON.parse(text ?? "") as ChainEnd).hash;

test("a whole chain is verified, from its first entry and after retention", () => {
  const texts = chainOf(20);
  const verdict = verdictOf(texts, { head: { seq: 20, hash: hashOf(texts[19]) }, expect: hashOf(texts[7]) });
  assert.deepEqual(verdict, { ok: true, entries: 20, first: 1, last: { seq: 20, hash: hashOf(texts[19]) }, open: [] });
  assert.equal(verdictOf([]).ok, true);
  const before = { seq: 1_000, hash: hashOf(texts[3]) };
  const trimmed: AuditFacts = { kind: "trimmed", through: 1_000, throughHash: before.hash };
  assert.equal(verdictOf(chainOf(5, before, [{ kind: "done" }, trimmed])).ok, true);
  const unexplained = verdictOf(chainOf(5, before));
  assert.ok(!unexplained.ok);
  assert.equal(unexplained.place, "entry 1001");
});

test("a bit that is flipped anywhere in any entry is found, at that entry", () => {
  const texts = chainOf(4);
  let flips = 0;
  for (const [at, text] of texts.entries()) {
    const bytes = Buffer.from(text);
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const changed = Buffer.from(bytes);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const verdict = verdictOf(texts.with(at, changed.toString("utf8")));
      assert.ok(!verdict.ok, `entry ${at + 1}, bit ${bit}`);
      assert.match(verdict.place, at === 0 ? /^(the first entry|entry \d+)/ : new RegExp(`^entry ${at + 1}\\b`));
      flips += 1;
    }
  }
  assert.ok(flips > 5_000);
});

test("an entry that is removed, moved, repeated, replaced or cut from the end is found", () => {
  const texts = chainOf(10);
  const head = { seq: 10, hash: hashOf(texts[9]) };
  const wrong = (changed: readonly string[], known = { head }): string => {
    const verdict = verdictOf(changed, known);
    assert.ok(!verdict.ok);
    return verdict.place;
  };
  assert.equal(wrong(texts.toSpliced(4, 1)), "entry 5 (found 6)");
  assert.equal(wrong(texts.with(4, texts[5] ?? "").with(5, texts[4] ?? "")), "entry 5 (found 6)");
  assert.equal(wrong(texts.toSpliced(4, 0, texts[4] ?? "")), "entry 6 (found 5)");
  assert.equal(wrong(texts.slice(0, 7)), "entry 8");
  assert.equal(wrong(texts.slice(1)), "entry 2");
  assert.equal(wrong([]), "entry 1");
  // A chain that was written anew is sound in itself: only a hash that was noted before can tell.
  const anew = chainOf(10, CHAIN_START, [{ kind: "done", who: { name: "eve" } }]);
  assert.equal(verdictOf(anew).ok, true);
  const verdict = verdictOf(anew, { expect: hashOf(texts[5]) });
  assert.ok(!verdict.ok);
  assert.match(verdict.problem, /^No entry has the expected hash/);
  assert.equal(verdictOf(texts.slice(0, 5), { expect: hashOf(texts[5]) }).ok, false, "a cut end");
});

test("changes without an outcome are named", () => {
  const verdict = verdictOf(chainOf(3, CHAIN_START, [{ kind: "intent" }, { kind: "intent" }, { kind: "done", of: 1 }]));
  assert.deepEqual(verdict.ok && verdict.open, [2]);
});

test("text from outside cannot forge lines, hide in them or turn them around", () => {
  assert.equal(harmless("a\nb\u001b[2J\u202ec\u2028d\u200be"), "a\\u{a}b\\u{1b}[2J\\u{202e}c\\u{2028}d\\u{200b}e");
  assert.equal(harmless("x".repeat(300)).length, 201);
  fc.assert(fc.property(fc.string({ unit: anyCharacter }), (text) => !/[\p{C}\p{Zl}\p{Zp}]/u.test(harmless(text))));
});
