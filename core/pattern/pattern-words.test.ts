import assert from "node:assert/strict";
import { test } from "node:test";
import { patternInWords } from "./pattern-words.ts";

const table: readonly (readonly [pattern: string, words: string | undefined])[] = [
  ["^[a-z]+$", "one or more lower case letters"],
  ["^[a-z][a-z0-9-]*$", "a lower case letter, then any number of lower case letters, digits and `-`"],
  ["^[A-Z][A-Z0-9]{1,9}$", "a capital letter, then 1 to 9 capital letters and digits"],
  ["^sha256:[0-9a-f]{64}$", "`sha256:`, then 64 digits and letters from a to f"],
  ["^v[0-9]+\\.[0-9]+$", "`v`, then one or more digits, then `.`, then one or more digits"],
  ["^[0-9]{4,}$", "at least 4 digits"],
  [
    "^[a-z0-9-]+/[a-z0-9.-]+$",
    "one or more lower case letters, digits and `-`, then `/`, then one or more lower case letters, digits, `.` and `-`",
  ],
  ["^-?[0-9]+$", "perhaps `-`, then one or more digits"],
  ["^(a|b)$", "`a` or `b`"],
  [
    "^(v|V)[0-9]+(?:\\.[0-9]+)*$",
    "`v` or `V`, then one or more digits, then any number of (`.`, then one or more digits)",
  ],
  ["[a-z]", "text that contains a lower case letter"],
  ["^refs/", "text that begins with `refs/`"],
  ["\\.ya?ml$", "text that ends with `.y`, then perhaps `a`, then `ml`"],
  ["^[^/]+$", "one or more characters other than `/`"],
  ["^\\d{4}-\\d{2}$", "4 digits, then `-`, then 2 digits"],
  ["^\\S+$", "one or more characters other than spaces"],
  ["^[\\w.-]+$", "one or more letters, digits, `_`, `.` and `-`"],
  ["^.{1,9}$", "1 to 9 characters"],
  ["^(?:main|release/[0-9]+)$", "`main` or (`release/`, then one or more digits)"],
  ["^a|b$", undefined],
  ["^(|a)$", undefined],
  ["^(?=a)b$", undefined],
  ["^(a$", undefined],
  ["^\\bword$", undefined],
  ["^a\\$", "text that begins with `a$`"],
  ["^$", undefined],
];
for (const [pattern, words] of table) test(`${pattern} in words`, () => assert.equal(patternInWords(pattern), words));
