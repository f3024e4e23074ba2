// The help, from the table of commands.

import type { Command, Flag, Flags } from "../table/command.ts";
import { HELP_FLAG, JSON_FLAG, PORTAL_FLAGS } from "../table/flags.ts";
import { ALIASES, COMMANDS, firstWord, SECTIONS } from "../table/table.ts";
import { EXIT_CODES } from "./exit-codes.ts";

/** `Usage: gantry cd APP [--build N] …` */
export function usageOf({ name, args, flags }: Command): string {
  const parts = Object.entries(flags).map(([flag, about]) =>
    about.required ? flagText(flag, about) : `[${flagText(flag, about)}]`,
  );
  const line = ["Usage: gantry", name, ...args.map((arg) => arg.replace("…]", "]…")), ...parts].join(" ");
  return `${wrapped(line, " ".repeat("Usage: gantry ".length))}\n`;
}

export function commandHelp(command: Command): string {
  const { name, summary, details, examples = [], flags, portal, json } = command;
  const short = Object.entries(ALIASES).filter(([, full]) => full === name);
  return [
    usageOf(command),
    `${paragraphs(details === undefined ? sentence(summary) : `${sentence(summary)} ${details}`)}\n`,
    ...(short.length === 0 ? [] : [`Short: gantry ${short.map(([alias]) => alias).join(", ")}\n`]),
    `Flags:\n${flagLines({ ...flags, ...(portal || json ? JSON_FLAG : {}), ...HELP_FLAG })}`,
    ...(portal
      ? [`The portal (default: the current context of \`gantry login\`, else .data):\n${flagLines(PORTAL_FLAGS)}`]
      : []),
    ...(examples.length === 0 ? [] : [`Examples:\n${examples.map((one) => `  gantry ${one}\n`).join("")}`]),
  ].join("\n");
}

export function groupHelp(group: string): string {
  const rows = COMMANDS.filter(({ name }) => firstWord(name) === group).map((command) => [
    shortUsage(command),
    command.summary,
  ]);
  const byDefault = COMMANDS.find(({ name, isDefault }) => isDefault && firstWord(name) === group);
  const alone = byDefault === undefined ? "" : `\`gantry ${group}\` alone is \`gantry ${byDefault.name}\`. `;
  return `Commands:\n${lines(rows)}\n${alone}Run \`gantry ${group} COMMAND --help\` for details.\n`;
}

/** The most useful commands first. */
export function mainHelp(env: Readonly<Record<string, string | undefined>>): string {
  const sections = SECTIONS.map(({ title, words }) => {
    const rows = words.map(({ word, summary }) => [`gantry ${word}`, summary ?? summaryOf(word)]);
    return `${title}:\n${lines(rows)}`;
  });
  const begin = env.GANTRY_PORTAL === undefined ? FIRST : "";
  return `Usage: gantry COMMAND [ARGUMENTS] [FLAGS]\n\n${begin}${sections.join("\n")}
Run \`gantry COMMAND --help\` for details and examples, \`gantry help exit-codes\` for the exit codes.\n`;
}

const FIRST = `Begin with \`gantry login URL\` and the address of your portal, or with \`gantry start\` to try everything on this machine.\n\n`;

export function exitCodesText(): string {
  return lines(EXIT_CODES.map(([code, meaning]) => [String(code), meaning]));
}

function summaryOf(word: string): string {
  return COMMANDS.find(({ name }) => name === word)?.summary ?? "";
}

export function shortUsage({ name, args }: Command): string {
  return ["gantry", name, ...args.map((arg) => arg.replace("…]", "]…"))].join(" ");
}

export function flagText(name: string, { type, value = "VALUE", multiple, values }: Flag): string {
  return `--${name}${type === "boolean" ? "" : ` ${values?.join("|") ?? value}`}${multiple ? "…" : ""}`;
}

function flagLines(flags: Flags): string {
  return lines(
    Object.entries(flags).map(([name, flag]) => [
      `${flag.short === undefined ? "" : `-${flag.short}, `}${flagText(name, { ...flag, values: undefined }).replace("…", "")}`,
      `${flag.summary}${flag.values === undefined ? "" : `: ${flag.values.join(", ")}`}${flag.multiple ? " (repeatable)" : ""}`,
    ]),
  );
}

function lines(rows: readonly (readonly string[])[]): string {
  const width = Math.min(34, Math.max(...rows.map(([left = ""]) => left.length)));
  return rows.map(([left = "", right = ""]) => `  ${left.padEnd(width)}  ${right}\n`).join("");
}

function sentence(summary: string): string {
  return `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`;
}

const WIDTH = 100;

function paragraphs(text: string): string {
  return text
    .split("\n\n")
    .map((one) => wrapped(one))
    .join("\n\n");
}

function wrapped(text: string, indent = ""): string {
  const result: string[] = [];
  let line = "";
  // A flag and its value, or a text in brackets, stay together.
  for (const word of text.match(/\[(?:[^[\]]|\[[^\]]*\])*\]…?|\S+/g) ?? []) {
    if (line !== "" && line.length + 1 + word.length > WIDTH) {
      result.push(line);
      line = `${indent}${word}`;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...result, line].join("\n");
}
