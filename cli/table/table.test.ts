// What every command of the table has, so that no command is without help, completion or an answer to a mistake.

import assert from "node:assert/strict";
import { test } from "node:test";
import { EXIT_CODES } from "../line/exit-codes.ts";
import { findCommand } from "../line/find-command.ts";
import { runCommand } from "../portal.fixture.ts";
import { ALIASES, COMMANDS, firstWord, SECTIONS } from "./table.ts";

test("`gantry` alone shows every command, the most useful first", async () => {
  const { code, out } = await runCommand([]);
  assert.equal(code, 0);
  const shown = [...out.matchAll(/^ {2}gantry (\S+) {2}/gm)].map(([, word]) => word);
  assert.deepEqual(shown.slice(0, 5), ["login", "app", "ci", "cd", "build"]);
  assert.deepEqual(shown.toSorted(), [...new Set(COMMANDS.map(({ name }) => firstWord(name)))].toSorted());
  assert.equal(shown.length, SECTIONS.flatMap(({ words }) => words).length);
});

test("every command has its help, without a portal and without arguments", async () => {
  for (const { name, summary, portal } of COMMANDS) {
    const { code, out } = await runCommand([...name.split(" "), "--help"]);
    assert.equal(code, 0, name);
    assert.ok(out.startsWith(`Usage: gantry ${name}`), name);
    assert.ok(out.includes(`${summary.slice(1)}.`.slice(0, 40)), `${name}: ${out}`);
    assert.equal(out.includes("--portal URL"), portal === true, name);
    assert.deepEqual(await runCommand(["help", ...name.split(" ")]), { code, out }, name);
    assert.match(summary, /^[a-z].*[^.]$/, name);
  }
});

test("examples are commands of the table", () => {
  for (const { name, examples = [] } of COMMANDS) {
    for (const example of examples)
      assert.equal(findCommand(example.split(" ")).kind, "command", `${name}: ${example}`);
  }
});

test("every command refuses a flag that it does not have, in words and with its usage", async () => {
  for (const { name } of COMMANDS) {
    const { code, out } = await runCommand([...name.split(" "), "--hepl"]);
    assert.equal(code, 2, name);
    assert.ok(out.startsWith(`There is no flag --hepl (did you mean --help?)\n\nUsage: gantry ${name}`), out);
  }
});

test("every command says which argument is missing, and which is too much", async () => {
  for (const { name, args, flags } of COMMANDS) {
    const required = Object.values(flags).some((flag) => flag.required);
    const [first] = args;
    if (first !== undefined && !first.startsWith("[") && !required) {
      const { code, out } = await runCommand(name.split(" "));
      assert.equal(code, 2, name);
      if (first.includes("|"))
        for (const word of first.split("|")) assert.match(out, new RegExp(`^Say .*${word}`), name);
      else assert.equal(out.split("\n")[0], `${first.replace("…", "")} is missing`, name);
    }
    if (args.some((arg) => arg.includes("…")) || required) continue;
    const { code, out } = await runCommand([...name.split(" "), ...args.map(() => "x"), "surplus"]);
    assert.deepEqual([code, /: surplus is too much\n/.test(out)], [2, true], `${name}: ${out}`);
  }
});

test("a mistyped word is answered with the command that was meant", async () => {
  for (const [line, meant] of [
    ["tsak list", "task"],
    ["task lst", "list"],
    ["logs", "gantry task logs or gantry runner logs"],
    ["list app", "gantry app list"],
    ["whomai", "whoami"],
    ["aply", "gantry app apply"],
    ["runners enroll seoul", "enrol"],
    ["deploy orders", "gantry cd"],
    ["status", "gantry task list"],
    ["app orders", "gantry app view orders"],
    ["build orders", "gantry build list orders"],
    ["task t0mx3ks3xe018p7r3eqq", "gantry task show t0mx3ks3xe018p7r3eqq"],
    ["app delete orders", "forget"],
    ["context rm prod", "remove"],
    ["--verson", "--version"],
    ["task list --stat open", "--state"],
    ["task list --state opne", "open"],
  ] as const) {
    const { code, out } = await runCommand(line.split(" "));
    assert.equal(code, 2, line);
    assert.ok(out.split("\n")[0]?.includes(`(did you mean ${meant}?)`), `${line}: ${out}`);
  }
  assert.match((await runCommand(["--json", "task", "list"])).out, /^The command is missing: put --json behind it/);
  assert.match((await runCommand(["archive"])).out, /^`gantry archive` needs a command\n/);
});

test("`gantry help task` and `gantry task --help` show the commands about tasks", async () => {
  const { code, out } = await runCommand(["help", "task"]);
  assert.match(out, /^ {2}gantry task rerun TASK +run the jobs .*$[\s\S]*`gantry task` alone is `gantry task list`/m);
  assert.deepEqual([{ code, out }, 0], [await runCommand(["task", "--help"]), code]);
  assert.equal((await runCommand(["help", "archive"])).code, 0);
});

test("the other words of commands lead to commands, and the exit codes are in the help", async () => {
  for (const word of Object.keys(ALIASES))
    assert.equal(findCommand([...word.split(" "), "x"]).kind, word === "runners" ? "unknown" : "command");
  assert.equal(findCommand(["runners", "list"]).kind, "command");
  for (const line of ["app show x", "app view x", "task view x"])
    assert.equal(findCommand(line.split(" ")).kind, "command");
  assert.equal(findCommand(["build", "show"]).kind, "unknown");
  const { out } = await runCommand(["help", "exit-codes"]);
  for (const [code, meaning] of EXIT_CODES) assert.match(out, new RegExp(`^ +${code} +${meaning}$`, "m"));
});
