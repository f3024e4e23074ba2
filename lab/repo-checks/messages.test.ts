// The page of all messages (lab/messages) keeps to the rules for texts that people read.

import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { patternInWords } from "@gantry/core/pattern/pattern-words.ts";
import { allMessages } from "../messages/print-messages.ts";
import { RULES } from "../messages/rules.ts";
import type { Section } from "../messages/section.ts";
import { isTest, sources } from "./sources.ts";

describe("messages", () => {
  let sections: readonly Section[] = [];
  before(async () => {
    sections = await allMessages();
  });

  /** The messages that break a rule, with their section and name. */
  const found = (
    breaks: (text: string, kind: "sentence" | "detail") => boolean,
    isChecked: (section: Section) => boolean = () => true,
  ): readonly string[] =>
    sections
      .filter(isChecked)
      .flatMap(({ title, entries }) =>
        entries.flatMap(({ name, sentences, details = [] }) => [
          ...sentences.filter((text) => breaks(text, "sentence")).map((text) => `${title}, ${name}: ${text}`),
          ...details.filter((text) => breaks(text, "detail")).map((text) => `${title}, ${name}: ${text}`),
        ]),
      );

  for (const [rule, forbidden] of RULES) {
    test(rule, () =>
      assert.deepEqual(
        found((text) => forbidden.test(text)),
        [],
      ),
    );
  }

  test("a sentence ends with a full stop or a question mark", () => {
    // A headline may end with a line of a log.
    const isSentence = ({ title }: Section): boolean => title !== "Headlines" && title !== "Notifications";
    assert.deepEqual(
      found((text, kind) => kind === "sentence" && !/[.?]$/.test(text), isSentence),
      [],
    );
  });

  test("a value is described in words, not by a pattern", () => {
    assert.deepEqual(
      found((text) => /\^.*\$/.test(text)),
      [],
    );
  });

  test("every pipeline file with a mistake has a message", () => {
    const silent = sections.flatMap(({ entries }) =>
      entries.filter(({ sentences, details = [] }) => sentences.length + details.length === 0).map(({ name }) => name),
    );
    assert.deepEqual(silent, []);
  });
});

test("every pattern of a schema has a message, or can be put in words", () => {
  const wordless = sources(/^(?!lab\/).*\.ts$/).flatMap(({ path, text }) =>
    isTest(path)
      ? []
      : [...text.matchAll(/\.regex\(\s*\/(?<source>(?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+)\/[a-z]*,?\s*\)/g)]
          .map(({ groups }) => groups?.source ?? "")
          .filter((source) => patternInWords(source) === undefined)
          .map((source) => `${path}: ${source}`),
  );
  assert.deepEqual(wordless, []);
});
