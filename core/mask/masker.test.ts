import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { testRuns } from "../test-runs.fixture.ts";
import { createMasker, MASK, type Masker } from "./masker.ts";

const SECRET = "s3cr3t/Pa+ss word=ü";
const bytes = (text: string): Buffer => Buffer.from(text, "utf8");

function maskerOf(...secrets: string[]): Masker {
  const masker = createMasker();
  for (const secret of secrets) masker.add(secret);
  return masker;
}

function inPieces(masker: Masker, input: Buffer, cuts: readonly number[]): string {
  const stream = masker.stream();
  const places = [0, ...[...cuts].sort((a, b) => a - b), input.length];
  const pieces = places.slice(1).map((end, index) => stream.push(input.subarray(places[index] ?? 0, end)));
  return Buffer.concat([...pieces, stream.end()]).toString("utf8");
}

test("a secret is masked wherever the stream is cut", () => {
  const masker = maskerOf(SECRET);
  const input = bytes(`before ${SECRET} after`);
  for (let first = 0; first <= input.length; first += 1) {
    for (let second = first; second <= input.length; second += 1) {
      assert.equal(inPieces(masker, input, [first, second]), `before ${MASK} after`);
    }
  }
});

test("the encodings that programs print are masked, at every cut", () => {
  const masker = maskerOf(SECRET);
  const encodings: Record<string, string> = {
    base64: bytes(SECRET).toString("base64"),
    base64url: bytes(SECRET).toString("base64url"),
    hex: bytes(SECRET).toString("hex"),
    "upper hex": bytes(SECRET).toString("hex").toUpperCase(),
    url: encodeURIComponent(SECRET),
    "lower url": encodeURIComponent(SECRET).replace(/%../g, (code) => code.toLowerCase()),
    form: new URLSearchParams({ x: SECRET }).toString().slice(2),
    json: JSON.stringify(SECRET),
  };
  for (const [name, encoded] of Object.entries(encodings)) {
    const input = bytes(`<${encoded}>`);
    for (let cut = 0; cut <= input.length; cut += 1) {
      const masked = inPieces(masker, input, [cut]);
      assert.ok(masked.includes(MASK), `${name} cut at ${cut}: ${masked}`);
      assert.ok(!masked.includes(encoded.slice(3, -3)), `${name} cut at ${cut}: ${masked}`);
    }
  }
});

test("base64 of user and secret together does not reveal the secret, for every length of the user", () => {
  const masker = maskerOf(SECRET);
  for (const user of ["a", "ab", "abc", "abcd", "robot$ci"]) {
    const masked = masker.text(`Authorization: Basic ${bytes(`${user}:${SECRET}!`).toString("base64")}`);
    const left = Buffer.from(masked.replace(/^.*Basic /, "").replaceAll(MASK, ""), "base64").toString("latin1");
    assert.ok(masked.includes(MASK));
    assert.ok(!left.includes(SECRET.slice(2, 8)), left);
  }
});

test("every line of a secret with several lines is masked by itself", () => {
  const masker = maskerOf("-----BEGIN-----\nMIIEvQIBADANBg\r\nab\nkqhkiG9w0BAQEF\n-----END-----\n");
  assert.equal(masker.text("x MIIEvQIBADANBg y\nkqhkiG9w0BAQEF\nab"), `x ${MASK} y\n${MASK}\nab`);
});

test("a secret that is added while a stream is open is masked from then on", () => {
  const masker = maskerOf();
  const stream = masker.stream();
  assert.equal(Buffer.from(stream.push(bytes("hunter22 "))).toString(), "hunter22 ");
  masker.add("hunter22");
  assert.equal(Buffer.from(stream.push(bytes("hunter22 end"))).toString(), `${MASK} end`);
});

test("ordinary lines are not kept back", () => {
  const stream = maskerOf(SECRET).stream();
  assert.equal(Buffer.from(stream.push(bytes("compiling\n"))).toString(), "compiling\n");
});

test("JSON is masked inside, keys too, and keeps its shape", () => {
  const masked = maskerOf("hunter22").json({
    url: "https://u:hunter22@h/",
    list: ["hunter22", 1, null],
    hunter22: true,
  });
  assert.deepEqual(masked, { url: "https://u:***@h/", list: [MASK, 1, null], [MASK]: true });
});

test("a secret inside the beginning of a longer one does not let that beginning out", () => {
  const masker = maskerOf("abaab1", "aabaab1aab");
  assert.equal(inPieces(masker, bytes("aabaab1aab"), [7]), MASK);
  assert.equal(inPieces(masker, bytes("aabaab1"), [7]), `a${MASK}`);
});

test("property: cutting never changes the result, and no secret is left", () => {
  const part = fc.constantFrom("aab", "aaba", "ba", "abab", "ab", "x", "aabaab");
  const inputs = fc.record({
    secrets: fc.array(
      fc.array(part, { minLength: 2, maxLength: 4 }).map((parts) => parts.join("")),
      { minLength: 1, maxLength: 4 },
    ),
    text: fc.array(part, { maxLength: 30 }).map((parts) => parts.join("")),
    cuts: fc.array(fc.nat({ max: 1_000 }), { maxLength: 20 }),
  });
  fc.assert(
    fc.property(inputs, ({ secrets, text, cuts }) => {
      const masker = maskerOf(...secrets);
      const input = bytes(text);
      const masked = inPieces(
        masker,
        input,
        cuts.map((cut) => cut % (input.length + 1)),
      );
      assert.equal(masked, masker.text(text));
      for (const secret of secrets.filter((one) => one.length >= 4)) assert.ok(!masked.includes(secret));
    }),
    { numRuns: testRuns(1_000) },
  );
});

test("property: without a secret in it, any bytes pass unchanged", () => {
  const masker = maskerOf("QQQQ-never-in-there");
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat({ max: 300 }), (input, cut) => {
      const stream = masker.stream();
      const at = Math.min(cut, input.length);
      const out = Buffer.concat([stream.push(input.subarray(0, at)), stream.push(input.subarray(at)), stream.end()]);
      assert.deepEqual(out, Buffer.from(input));
    }),
  );
});

test("a fork knows the secrets, and what is added to it stays in it", () => {
  const masker = createMasker();
  masker.add("first-secret");
  const fork = masker.fork();
  fork.add("second-secret");
  assert.equal(fork.text("first-secret second-secret"), "*** ***");
  assert.equal(masker.text("first-secret second-secret"), "*** second-secret");
  assert.equal(createMasker().fork().text("first-secret"), "first-secret");
});
