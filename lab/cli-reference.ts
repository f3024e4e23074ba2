// Writes the reference of commands into docs/cli.md, from the table of the CLI. Run it after each change of the table.

import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { EXIT_CODES } from "@gantry/cli/line/exit-codes.ts";
import { flagText, shortUsage } from "@gantry/cli/line/help.ts";
import type { Command } from "@gantry/cli/table/command.ts";
import { PORTAL_FLAGS } from "@gantry/cli/table/flags.ts";
import { ALIASES, COMMANDS, firstWord, SECTIONS } from "@gantry/cli/table/table.ts";

export const CLI_PAGE = fileURLToPath(new URL("../docs/cli.md", import.meta.url));
const MARK = "<!-- From here on the page is made by `node lab/cli-reference.ts`. -->";

/** The page with a fresh reference behind the mark. */
export function cliPageText(page: string): string {
  return `${page.slice(0, page.indexOf(MARK))}${MARK}\n\n${reference()}`;
}

function reference(): string {
  const sections = SECTIONS.map(({ title, words }) => {
    const commands = words.flatMap(({ word }) => COMMANDS.filter(({ name }) => firstWord(name) === word));
    return `### ${title}\n\n${table(["command", "what it does", "flags"], commands.map(rowOf))}`;
  });
  const codes = EXIT_CODES.map(([code, meaning]) => [String(code), meaning]);
  const others = Object.entries(ALIASES).map(([word, name]) => [`\`gantry ${word}\``, `\`gantry ${name}\``]);
  return [
    "## Commands\n",
    `Every command has \`--help\`. Those that talk to the portal have ${list(Object.keys(PORTAL_FLAGS))}, and \`--json\`.\n`,
    ...sections,
    `### Other words\n\n${table(["word", "is the same as"], others)}`,
    `## Exit codes\n\n${table(["code", "meaning"], codes)}`,
  ].join("\n");
}

function rowOf(command: Command): readonly string[] {
  const flags = Object.entries(command.flags).map(
    ([name, flag]) => `\`${flagText(name, flag).replaceAll("|", "\\|")}\``,
  );
  return [`\`${shortUsage(command).replaceAll("|", "\\|")}\``, command.summary, flags.join(" ")];
}

function list(flags: readonly string[]): string {
  return flags.map((flag) => `\`--${flag}\``).join(", ");
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |\n`).join("");
}

if (import.meta.main) await writeFile(CLI_PAGE, cliPageText(await readFile(CLI_PAGE, "utf8")));
