// The lines of a log as people read them: commands of scripts (core/log/commands.ts) in words, groups indented.

import { commandWords } from "@gantry/core/log/command-words.ts";
import { readCommands } from "@gantry/core/log/commands.ts";

/** Returns the line to print for the next line of a log; undefined for one that is only for the console. */
export function openLogWords(): (line: string) => string | undefined {
  const read = readCommands();
  let indent = "";
  return (line) => {
    const command = read(line);
    if (command === undefined) return `${indent}${line}`;
    if (command.name === "group") {
      indent = "  ";
      return `▸ ${commandWords(command)}`;
    }
    if (command.name === "endgroup") {
      indent = "";
      return undefined;
    }
    return `${indent}${commandWords(command) ?? line}`;
  };
}
