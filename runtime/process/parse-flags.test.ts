import assert from "node:assert/strict";
import { test } from "node:test";
import { parseFlags } from "./parse-flags.ts";

const FLAGS = {
  data: { type: "string", default: ".data" },
  app: { type: "string", multiple: true },
  json: { type: "boolean", short: "j", default: false },
  demo: { type: "boolean", default: true },
} as const;

test("flags, their defaults and arguments are read", () => {
  const { values, positionals } = parseFlags(["--app=a", "list", "--app", "b", "-j"], FLAGS);
  assert.deepEqual({ ...values }, { app: ["a", "b"], json: true, data: ".data", demo: true });
  assert.deepEqual(positionals, ["list"]);
  assert.equal(parseFlags(["--no-demo"], FLAGS, { allowNegative: true }).values.demo, false);
});

for (const [argv, message] of [
  [["--dta", "x"], "There is no flag --dta (did you mean --data?)"],
  [["list", "--everything"], "There is no flag --everything"],
  [["-x"], "There is no flag -x"],
  [["--constructor"], "There is no flag --constructor"],
  [["--no-demo"], "There is no flag --no-demo (did you mean --demo?)"],
  [["--data"], "The flag --data needs a value"],
  [["--data", "--json"], "The flag --data needs a value; if it is --json, write --data=--json"],
  [["--data", "-1"], "The flag --data needs a value; if it is -1, write --data=-1"],
  [["--json=yes"], "The flag --json takes no value"],
  [["--json", "--app"], "The flag --app needs a value"],
] as const) {
  test(`\`${argv.join(" ")}\` is refused in words`, () => {
    assert.throws(() => parseFlags(argv, FLAGS), { message });
  });
}

test("an argument of a command that takes none is named", () => {
  assert.throws(() => parseFlags(["--json", "extra"], FLAGS, { positionals: false }), {
    message: "There is no argument extra in this command",
  });
});
