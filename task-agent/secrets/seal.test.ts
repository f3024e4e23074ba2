// Sealing: bound to its place and key, different each time, and refused after any change.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { openSeal, type SealKey } from "./seal.ts";
import { ensureSealKey, openSealKeys } from "./seal-keys.ts";

const key = (id: string): SealKey => ({ id, key: randomBytes(32) });

test("a sealed text opens at its place with its key, and nowhere else", () => {
  const [first, second] = [key("a"), key("b")];
  const seal = openSeal(() => [first]);
  const text = "pässword 😀";
  const sealed = seal.seal(text, "t1\nlicence");
  assert.match(sealed, /^sealed\.v1\.a\.[\w-]+$/);
  assert.notEqual(seal.seal(text, "t1\nlicence"), sealed, "a new nonce each time");
  assert.equal(seal.open(sealed, "t1\nlicence"), text);
  assert.equal(seal.open(sealed, "t2\nlicence"), undefined);
  assert.equal(seal.open(sealed, "t1\nother"), undefined);
  assert.equal(openSeal(() => [second]).open(sealed, "t1\nlicence"), undefined);
  assert.equal(openSeal(() => [second, first]).open(sealed, "t1\nlicence"), text, "after a rotation");
  assert.equal(openSeal(() => [{ ...second, id: "a" }]).open(sealed, "t1\nlicence"), undefined);
  assert.equal(openSeal(() => [second, first]).digest(text), seal.digest(text));
  for (const wrong of ["", "sealed.v1.a.", "sealed.v1.a.AAAA", text, `${sealed}.x`])
    assert.equal(seal.open(wrong, "t1\nlicence"), undefined);
});

test("a sealed text with a flipped bit does not open", () => {
  const seal = openSeal(() => [KEY]);
  const sealed = seal.seal("a secret", "p");
  const [head = "", bytes = Buffer.alloc(0)] = [sealed.slice(0, 12), Buffer.from(sealed.slice(12), "base64url")];
  for (let bit = 0; bit < bytes.length * 8; bit += 1) {
    const changed = Buffer.from(bytes);
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    assert.equal(seal.open(head + changed.toString("base64url"), "p"), undefined);
  }
});
const KEY = key("a");

test("a key file is made once, and a wrong one is refused with its line and not its content", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "gantry-seal-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "seal-key");
  assert.equal(ensureSealKey(file), true);
  const text = readFileSync(file, "utf8");
  assert.equal(ensureSealKey(file), false);
  assert.equal(readFileSync(file, "utf8"), text);
  assert.equal(openSealKeys(file)().length, 1);
  for (const [wrong, problem] of [
    ["", /does not contain a key/],
    [`${text}a-key-that-is-short QUJD\n`, /line 2 of .* must be an id and 32 bytes/],
    [text + text, /has an id twice/],
  ] as const) {
    writeFileSync(file, wrong);
    assert.throws(
      () => openSealKeys(file),
      (error) => {
        assert.match(JSON.stringify(error), problem);
        assert.doesNotMatch(JSON.stringify(error), /QUJD/);
        return true;
      },
    );
  }
  rmSync(file);
  assert.throws(() => openSealKeys(file), { code: "config-invalid" });
});
