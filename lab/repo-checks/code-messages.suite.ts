// The texts in the code keep to the rules of the page of all messages, and none of them is missing there.

import assert from "node:assert/strict";
import { test } from "node:test";
import { codeMessages } from "../messages/code-messages.ts";
import { RULES } from "../messages/rules.ts";
import { project } from "./typescript-project.ts";

const { entries } = codeMessages(project.files);
const texts = entries.flatMap(({ name, details = [] }) => details.map((text) => ({ name, text })));

test("every text in the code keeps to the rules for messages", () => {
  const bad = RULES.flatMap(([rule, forbidden]) =>
    // The parts of a text that are filled in are code.
    texts
      .map(({ name, text }) => ({ name, text: text.replace(/\s*‹[^›]*›|`[^`]*`/g, " it").replace(/\n/g, " ") }))
      .filter(({ text }) => forbidden.test(text))
      .map(({ name, text }) => `${rule}: ${name}: ${text}`),
  );
  assert.deepEqual(bad, []);
});

test("texts of every kind are found: errors, commands, lint, runners, connectors", () => {
  for (const part of [
    "a token named ‹name› exists already",
    "It must be like https://gantry.example.com.",
    "the expression is empty",
    "The task-agent has ended the lease.",
    "The project has no quality gate.",
  ]) {
    assert.ok(
      texts.some(({ text }) => text === part),
      part,
    );
  }
});
