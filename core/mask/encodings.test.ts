// Secrets in the encodings that programs print, as they print them: in lines, in columns, indented, one in another.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { testRuns } from "../test-runs.fixture.ts";
import { createMasker, MASK } from "./masker.ts";

const bytes = (text: string): Buffer => Buffer.from(text, "utf8");
const base64 = (text: string): string => bytes(text).toString("base64");
const hex = (text: string): string => bytes(text).toString("hex");
const pairs = (text: string): string[] => hex(text).match(/../g) ?? [];
const wrap = (text: string, width: number, indent = ""): string =>
  text.replace(new RegExp(`(.{1,${width}})`, "gs"), `${indent}$1\n`);

const octal = (text: string): string[] => [...bytes(text)].map((one) => one.toString(8).padStart(3, "0"));

/** RFC 4648. */
function base32(text: string): string {
  const bits = [...bytes(text)].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  const digits = (bits.match(/.{1,5}/g) ?? []).map((five) => Number.parseInt(five.padEnd(5, "0"), 2));
  const text32 = digits.map((one) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[one]).join("");
  return text32.padEnd(Math.ceil(text32.length / 8) * 8, "=");
}

/** As xxd and hexdump -C print: 16 bytes in a line, between their offset and their text. */
function dump(text: string, groups: number, mark: string, start = "", end = ""): string {
  const lines =
    bytes(text)
      .toString("latin1")
      .match(/.{1,16}/gs) ?? [];
  return lines
    .map((line, index) => {
      const digits =
        Buffer.from(line, "latin1")
          .toString("hex")
          .match(new RegExp(`.{1,${groups * 2}}`, "g")) ?? [];
      const shown = line.replace(/[^ -~]/g, ".");
      return `${(index * 16).toString(16).padStart(8, "0")}${mark} ${digits.join(" ").padEnd(48)}  ${start}${shown}${end}\n`;
    })
    .join("");
}

const html = (text: string): string =>
  text.replace(
    /[&<>"']/g,
    (one) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" })[one] ?? one,
  );

const ENCODINGS: Readonly<Record<string, (secret: string) => string>> = {
  "base64 of base64(1)": (secret) => wrap(base64(secret), 76),
  "base64 of openssl": (secret) => wrap(base64(secret), 64),
  "base64 with CRLF": (secret) => wrap(base64(secret), 76).replaceAll("\n", "\r\n"),
  "base64 in a YAML file": (secret) => wrap(base64(secret), 60, "      "),
  "base64 of a line": (secret) => wrap(base64(`${secret}\n`), 76),
  "base64 with a user before it": (secret) => wrap(base64(`robot:${secret}`), 76),
  "base64url in lines": (secret) => wrap(bytes(secret).toString("base64url"), 40),
  "base64 twice": (secret) => base64(base64(secret)),
  "base64 | base64": (secret) => wrap(base64(wrap(base64(secret), 76)), 76),
  "base64 of a user and base64": (secret) => base64(`x:${base64(`u:${secret}`)}`),
  "base64 of UTF-16": (secret) => Buffer.from(secret, "utf16le").toString("base64"),
  "fold -w 20": (secret) => wrap(secret, 20),
  "fold -w 4": (secret) => wrap(secret, 4),
  "xxd -p": (secret) => wrap(hex(secret), 60),
  xxd: (secret) => dump(secret, 2, ":"),
  "hexdump -C": (secret) => dump(secret, 1, " ", "|", "|"),
  "od -An -tx1": (secret) => wrap(pairs(secret).join(" "), 48, " "),
  "upper hex": (secret) => pairs(secret).join(" ").toUpperCase(),
  "hex with colons": (secret) => pairs(secret).join(":"),
  "hex with escapes": (secret) =>
    pairs(secret)
      .map((one) => `\\x${one}`)
      .join(""),
  "an array in C": (secret) =>
    wrap(
      pairs(secret)
        .map((one) => `0x${one}`)
        .join(", "),
      72,
      "  ",
    ),
  "all percent": (secret) =>
    pairs(secret)
      .map((one) => `%${one.toUpperCase()}`)
      .join(""),
  "entities in hex": (secret) =>
    pairs(secret)
      .map((one) => `&#x${one};`)
      .join(""),
  "JSON escapes": (secret) =>
    [...secret].map((one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`).join(""),
  HTML: html,
  "URL twice": (secret) => encodeURIComponent(encodeURIComponent(secret)),
  "JSON of Go": (secret) => JSON.stringify(secret).replace(/[<>&]/g, (one) => `\\u00${one.charCodeAt(0).toString(16)}`),
  "JSON of PHP": (secret) => JSON.stringify(secret).replaceAll("/", "\\/"),
  "base32 of coreutils": (secret) => wrap(base32(secret), 76),
  "base32 with a user before it": (secret) => base32(`robot:${secret}`),
  "lower base32": (secret) => base32(secret).toLowerCase(),
  "URL three times": (secret) => encodeURIComponent(encodeURIComponent(encodeURIComponent(secret))),
  "JSON in JSON in JSON": (secret) => JSON.stringify(JSON.stringify(JSON.stringify(secret))),
  "a shell's $'…'": (secret) => `$'${secret.replace(/['\\]/g, "\\$&").replaceAll("\n", "\\n")}'`,
  "a shell's $'…' in octal": (secret) =>
    `$'${octal(secret)
      .map((one) => `\\${one}`)
      .join("")}'`,
  "od -An -to1": (secret) => wrap(octal(secret).join(" "), 64, " "),
  "od -An -tu1": (secret) => wrap([...bytes(secret)].join(" "), 64, " "),
  "a list of numbers": (secret) => `[${[...bytes(secret)].join(", ")}]`,
  "decimal entities": (secret) => [...bytes(secret)].map((one) => `&#${one};`).join(""),
  "UTF-16 LE": (secret) => Buffer.from(secret, "utf16le").toString("latin1"),
  "UTF-16 BE": (secret) => Buffer.from(secret, "utf16le").swap16().toString("latin1"),
  "hex in upper case": (secret) => hex(secret).toUpperCase(),
  rev: (secret) => [...secret].reverse().join(""),
  "grep --color": (secret) => `${secret.slice(0, 7)}\u001b[01;31m\u001b[K${secret.slice(7)}\u001b[m\u001b[K`,
  "a colour for every character": (secret) => [...secret].map((one, at) => `\u001b[3${at % 8}m${one}`).join(""),
  "a link in the middle": (secret) =>
    `${secret.slice(0, 5)}\u001b]8;;https://a.example\u001b\\${secret.slice(5)}\u001b]8;;\u001b\\`,
  "base64 with colours": (secret) => base64(secret).replace(/(.{5})/g, "$1\u001b[0m"),
  "hex with colours": (secret) =>
    pairs(secret)
      .map((one) => `\u001b[36m${one}\u001b[0m `)
      .join(""),
  "inside of a title of the terminal": (secret) => `\u001b]0;${secret}\u0007`,
  "printf %q": (secret) => secret.replace(/[^A-Za-z0-9_./:@%+=,-]/g, "\\$&"),
};

const SECRETS = [
  `tok_${"A1b2C3d4E5f6G7h8I9j0".repeat(4)}`,
  "p<a>s&s\"w'o/r d$4%",
  "hunter2-but-longer",
  `-----BEGIN KEY-----\nMIIE${"abcdefghijklmnop".repeat(6)}\nqrstuvwxyz0123456789AA==\n-----END KEY-----`,
];

/** What is left of an encoded text, in pieces of at least `length` characters. */
function leaks(encoded: string, masked: string, length: number): string[] {
  const [all, left] = [encoded, masked].map((text) => text.replace(/\s/g, ""));
  const pieces = Array.from({ length: Math.max(0, (all ?? "").length - length) }, (_, at) =>
    (all ?? "").slice(at, at + length),
  );
  return pieces.filter((piece) => (left ?? "").includes(piece));
}

for (const [name, encode] of Object.entries(ENCODINGS)) {
  test(`a secret is masked in: ${name}`, () => {
    for (const secret of SECRETS) {
      const masker = createMasker();
      masker.add(secret);
      const encoded = encode(secret);
      const masked = masker.text(`before\n${encoded}\nafter the secret`);
      assert.ok(masked.includes(MASK), masked);
      // Of a text around the secret a few characters are not the secret's; a line of a dump begins with its offset.
      assert.deepEqual(leaks(encoded, masked, 18), [], masked);
      assert.match(masked, /^before\n/);
      assert.match(masked, /after the secret$/);
    }
  });
}

test("of a secret that begins near the end of a line at most three characters are left", () => {
  for (const secret of SECRETS.slice(0, 3)) {
    const masker = createMasker();
    masker.add(secret);
    for (const encode of [(text: string): string => text, base64, hex]) {
      // With 3n bytes before it, the base64 of the secret stays as it is.
      for (let before = 0; before < 76; before += 3) {
        const masked = masker.text(wrap(encode("~".repeat(before) + secret), 76));
        assert.deepEqual(leaks(encode(secret), masked, 4), [], masked);
      }
    }
  }
});

test("the bytes of a secret beside a dump are masked, and other dumps are not", () => {
  const masker = createMasker();
  masker.add("tok_A1b2C3d4E5f6G7h8I9j0");
  assert.equal(masker.text(dump("tok_A1b2C3d4E5f6G7h8I9j0", 1, " ", "|", "|")), "00000000  ***\n00000010***\n");
  const other = dump("nothing secret in here, at all", 2, ":");
  assert.equal(masker.text(other), other);
});

test("ordinary output is neither masked nor kept back", () => {
  const masker = createMasker();
  for (const secret of SECRETS) masker.add(secret);
  const lines = [
    "2026-11-29T12:00:00 [INFO] Downloading https://repo.example/org/apache/commons-lang3.jar (650 kB)\n",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\n",
    "de:ad:be:ef:00:01 7f 45 4c 46 02 01 01 00\n",
    "  at Object.<anonymous> (/srv/app/main.js:12:5)\n",
    "100% 12.5kB/s eta 0:00:01\n",
  ];
  const stream = masker.stream();
  for (const line of lines) assert.equal(Buffer.from(stream.push(bytes(line))).toString(), line);
});

test("property: where a stream is cut does not change what is masked in an encoding", () => {
  const names = fc.constantFrom(...Object.keys(ENCODINGS));
  fc.assert(
    fc.property(names, fc.nat(3), fc.array(fc.nat(2_000), { maxLength: 12 }), (name, which, cuts) => {
      const secret = SECRETS[which] ?? "";
      const masker = createMasker();
      masker.add(secret);
      const input = bytes(`a line\n${ENCODINGS[name]?.(secret)}\nb ${secret} c\n`);
      const stream = masker.stream();
      const places = [0, ...cuts.map((cut) => cut % (input.length + 1)).sort((a, b) => a - b), input.length];
      const pieces = places.slice(1).map((end, index) => stream.push(input.subarray(places[index] ?? 0, end)));
      assert.equal(Buffer.concat([...pieces, stream.end()]).toString(), masker.text(input.toString()));
    }),
    { numRuns: testRuns(100) },
  );
});
