// What the documents and the console say about the command line is what the command line does.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { findCommand } from "@gantry/cli/line/find-command.ts";
import { parseLine } from "@gantry/cli/line/parse-line.ts";
import { readParams } from "@gantry/cli/params.ts";
import { cliCommand } from "@gantry/console/src/run/cli-command.ts";
import { CLI_PAGE, cliPageText } from "../cli-reference.ts";

test("docs/cli.md is up to date", async () => {
  const page = await readFile(CLI_PAGE, "utf8");
  assert(
    page === cliPageText(page),
    "the commands have changed: run `node lab/cli-reference.ts` and commit docs/cli.md",
  );
});

test("a command that the console shows is one, and means what the form means", () => {
  const values = { depth: 3, isDry: true, text: "it's", version: "1.0", none: "null", list: ["a", "b"], empty: "" };
  const parsed = (pipeline: string, app: string | undefined, params: Parameters<typeof cliCommand>[2]) => {
    const found = findCommand(wordsOf(cliCommand(pipeline, app, params)).slice(1));
    assert.equal(found.kind, "command");
    const { flags, args } = parseLine(found.command, found.argv);
    const readFile = (path: string): string => assert.fail(`${path} is read`);
    const params_ = Array.isArray(flags.param) ? readParams(flags.param, { readFile }) : {};
    return { name: found.command.name, args, flags, params: params_ };
  };
  const any = parsed("promote", "orders", values);
  assert.deepEqual([any.name, any.args, any.flags.app, any.params], ["pipeline run", ["promote"], "orders", values]);
  const cd = parsed("cd", "orders", { build: "12", targets: ["seoul"], depth: 3 });
  assert.deepEqual(
    [cd.name, cd.args, cd.flags.build, cd.flags.target, cd.params],
    ["cd", ["orders"], "12", ["seoul"], { depth: 3 }],
  );
  const ci = parsed("ci", "orders", { ref: "-x" });
  assert.deepEqual([ci.name, ci.flags.ref], ["ci", "-x"]);
  const made = parsed("create-app", undefined, { name: "pay", title: "Pay day", jiraKey: "PAY" });
  assert.deepEqual(
    [made.name, made.args, made.flags.title, made.flags["jira-key"]],
    ["app create", ["pay"], "Pay day", "PAY"],
  );
});

/** As a shell splits the line: single quotes keep everything. */
function wordsOf(line: string): readonly string[] {
  const words = line.match(/(?:'[^']*'|\\.|[^\s'\\])+/g) ?? [];
  return words.map((word) =>
    word.replace(/'([^']*)'|\\(.)/g, (_, quoted?: string, escaped?: string) => quoted ?? escaped ?? ""),
  );
}
