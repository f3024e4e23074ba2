// Finds the command that a line begins with. Pure.

import { didYouMean, nearest } from "@gantry/core/suggest.ts";
import type { Command } from "../table/command.ts";
import { ALIASES, COMMANDS, firstWord, secondWord } from "../table/table.ts";

export type Found =
  | { readonly kind: "main-help" | "exit-codes" }
  | { readonly kind: "group-help"; readonly group: string }
  | { readonly kind: "command-help"; readonly command: Command }
  | { readonly kind: "command"; readonly command: Command; readonly argv: readonly string[] }
  | { readonly kind: "unknown"; readonly problem: string; readonly group?: string };

const HELP = ["help", "--help", "-h"];

export function findCommand(argv: readonly string[]): Found {
  const [first, ...rest] = argv;
  if (first === undefined) return { kind: "main-help" };
  if (first === "help" && rest[0] === "exit-codes") return { kind: "exit-codes" };
  if (HELP.includes(first)) return rest.length === 0 ? { kind: "main-help" } : helpFor(findCommand(rest), rest);
  if (first === "--version" || first === "-v") return findCommand(["version", ...rest]);
  if (first.startsWith("-")) return { kind: "unknown", problem: misplacedFlag(first) };
  const [second, ...more] = rest;
  const ofTwo = ALIASES[`${first} ${second}`];
  if (ofTwo !== undefined) return inGroup([...ofTwo.split(" "), ...more]);
  return inGroup([...(ALIASES[first]?.split(" ") ?? [first]), ...rest]);
}

/** Second words that people take for each other. No group has both. */
const SAME: { readonly [word: string]: string } = { show: "view", view: "show" };

function misplacedFlag(flag: string): string {
  const near = nearest(flag, ["--version", "--help"]);
  if (near !== undefined) return `Unknown flag: ${flag} (did you mean ${near}?)`;
  return `The command is missing: put ${flag} behind it, as in \`gantry app list ${flag}\``;
}

/** What other tools call a command: a first word, and second words of a group. */
const FIRST_MEANT: { readonly [word: string]: string } = {
  deploy: "gantry cd",
  release: "gantry cd",
  ls: "gantry app list",
  ps: "gantry task list",
  status: "gantry task list",
};
const SECOND_MEANT: { readonly [word: string]: readonly string[] } = {
  delete: ["forget", "remove", "revoke"],
  rm: ["forget", "remove", "revoke"],
  remove: ["forget", "revoke"],
  ls: ["list"],
  get: ["view", "show"],
  describe: ["view", "show"],
  new: ["create", "enrol"],
  add: ["create", "adopt", "enrol"],
  edit: ["apply"],
  update: ["apply"],
  stop: ["cancel", "pause"],
  undo: ["forget"],
};

/** One word is a group or a command of its own. */
function helpFor(found: Found, words: readonly string[]): Found {
  if (found.kind === "unknown" && words.length === 1 && found.group !== undefined)
    return { kind: "group-help", group: found.group };
  if (found.kind !== "command") return found;
  const { command } = found;
  const isGroup = words.length === 1 && command.isDefault === true;
  return isGroup ? { kind: "group-help", group: firstWord(command.name) } : { kind: "command-help", command };
}

function inGroup([first = "", second, ...rest]: readonly string[]): Found {
  const group = COMMANDS.filter(({ name }) => firstWord(name) === first);
  if (group.length === 0) return { kind: "unknown", problem: unknownWord(first, second) };
  const alone = group.find(({ name }) => name === first);
  const after = second === undefined ? [] : [second, ...rest];
  const ofAlone = alone && group.find(({ name }) => name === `${first} ${second}`);
  if (ofAlone) return { kind: "command", command: ofAlone, argv: rest };
  if (alone !== undefined) return { kind: "command", command: alone, argv: after };
  const named = [second, SAME[second ?? ""]].flatMap((word) =>
    group.filter(({ name }) => secondWord(name) === word),
  )[0];
  if (named !== undefined) return { kind: "command", command: named, argv: rest };
  if (second !== undefined && HELP.includes(second)) return { kind: "group-help", group: first };
  const byDefault = group.find(({ isDefault }) => isDefault);
  if (byDefault !== undefined && (second === undefined || second.startsWith("-")))
    return { kind: "command", command: byDefault, argv: after };
  if (second === undefined) return { kind: "unknown", problem: `\`gantry ${first}\` needs a command`, group: first };
  return {
    kind: "unknown",
    problem: `Unknown command: gantry ${first} ${second}${hintIn(group, second)}`,
    group: first,
  };
}

/** What may have been meant by a word after that of a group: a command of it, or a name, as in `gantry app orders`. */
function hintIn(group: readonly Command[], second: string): string {
  const verbs = group.map(({ name }) => secondWord(name) ?? "");
  const meant = (SECOND_MEANT[second] ?? []).filter((word) => verbs.includes(word));
  if (meant.length > 0) return ` (did you mean ${meant.join(" or ")}?)`;
  const near = didYouMean(second, verbs);
  const shows = ["view", "show", "list"].flatMap((word) => group.filter(({ name }) => secondWord(name) === word));
  const ofName = shows.find(({ args }) => args[0] !== undefined);
  return near !== "" || ofName === undefined ? near : ` (did you mean gantry ${ofName.name} ${second}?)`;
}

/** Suggests a first word, or the commands that have this word second: `task logs` for `logs`. */
function unknownWord(word: string, second: string | undefined): string {
  const withSecond = (wanted: string | undefined): readonly string[] =>
    COMMANDS.flatMap(({ name }) => (wanted !== undefined && secondWord(name) === wanted ? [`gantry ${name}`] : []));
  const exact = withSecond(word);
  const swapped = exact.filter((one) => one === `gantry ${second} ${word}`);
  const first = nearest(word, [...COMMANDS.map(({ name }) => firstWord(name)), ...Object.keys(ALIASES), "help"]);
  const near = withSecond(
    nearest(
      word,
      COMMANDS.map(({ name }) => secondWord(name) ?? ""),
    ),
  );
  const other = FIRST_MEANT[word];
  const meant =
    [swapped, other === undefined ? [] : [other], exact, first === undefined ? [] : [first], near].find(
      (list) => list.length > 0,
    ) ?? [];
  const hint = meant.length === 0 ? "" : ` (did you mean ${meant.slice(0, 3).join(" or ")}?)`;
  return `Unknown command: ${word}${hint}`;
}
