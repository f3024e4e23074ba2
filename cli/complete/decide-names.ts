// Which names of the portal may stand at the end of a command line that somebody types. Pure.

import { flagsOf } from "../line/parse-line.ts";
import type { PortalFlags } from "../portal-access.ts";
import type { Command } from "../table/command.ts";

export type Names = "apps" | "builds" | "clusters" | "pipelines" | "runners" | "sites" | "targets" | "tasks";

export type Asked = {
  readonly names: Names;
  /** The first argument, of which builds and targets are. */
  readonly app: string;
  readonly access: PortalFlags;
  /** What is typed already. */
  readonly typed: string;
  /** Belongs in front of every name: `--build=`. */
  readonly before: string;
};

const BY_WORD: { readonly [word: string]: Names } = {
  APP: "apps",
  TASK: "tasks",
  PIPELINE: "pipelines",
  SITE: "sites",
  "SITE/CLUSTER": "clusters",
};
/** Of commands whose words do not tell. `app create` makes a new app. */
const BY_COMMAND: { readonly [place: string]: Names | null } = {
  "app create/0": null,
  "cd/--build": "builds",
  "cd/--target": "targets",
  "task list/--pipeline": "pipelines",
  "runner renew-key/0": "runners",
  "runner remove/0": "runners",
  "runner readmit/0": "runners",
};

/** Undefined where no name of the portal can stand. */
export function namesAt(command: Command, place: number | string): Names | undefined {
  if (!command.portal) return undefined;
  const own = BY_COMMAND[`${command.name}/${typeof place === "string" ? `--${place}` : place}`];
  if (own !== undefined) return own ?? undefined;
  if (typeof place === "string") return BY_WORD[flagsOf(command)[place]?.value ?? ""];
  const last = command.args.at(-1) ?? "";
  const arg = command.args[place] ?? (last.includes("…") ? last : "");
  return BY_WORD[arg.replace(/[[\]…]/g, "")];
}

/** Whether a name of the portal can stand anywhere on a line with this command. */
export function asksFor(command: Command): boolean {
  const places = [...command.args.keys(), ...Object.keys(flagsOf(command))];
  return places.some((place) => namesAt(command, place) !== undefined);
}

/** All commands, and other words for them. */
export type Table = { readonly commands: readonly Command[]; readonly aliases: { readonly [word: string]: string } };

/** `words`: after `gantry`; the last one is being typed. Bash makes three words of `--build=1`. */
export function askedAt(words: readonly string[], table: Table): Asked | undefined {
  const typed = words.at(-1) ?? "";
  const found = findTyped(words.slice(0, -1), table);
  if (!found) return undefined;
  const { command, argv } = found;
  const { values, args, open } = readWords(command, argv);
  const [, flag = "", value = ""] = /^--([^=]+)=(.*)$/s.exec(typed) ?? [];
  const isValue = open === undefined && flag !== "";
  if (open === undefined && !isValue && typed.startsWith("-")) return undefined;
  const names = namesAt(command, open ?? (isValue ? flag : args.length));
  if (names === undefined) return undefined;
  const { portal, context, data } = values;
  return {
    names,
    app: args[0] ?? "",
    access: { portal, context, data, "allow-plain-http": "allow-plain-http" in values },
    typed: isValue ? value : typed === "=" ? "" : typed,
    before: isValue ? `--${flag}=` : "",
  };
}

/** The command that the words begin with, and those after it. */
function findTyped(
  words: readonly string[],
  { commands, aliases }: Table,
): { readonly command: Command; readonly argv: readonly string[] } | undefined {
  const [first = "", second = "", ...rest] = words;
  const ofTwo = aliases[`${first} ${second}`];
  const all =
    ofTwo === undefined ? [...(aliases[first] ?? first).split(" "), ...words.slice(1)] : [...ofTwo.split(" "), ...rest];
  const [group = "", verb = ""] = all;
  const named = commands.find(({ name }) => name === `${group} ${verb}`);
  if (named) return { command: named, argv: all.slice(2) };
  const alone =
    commands.find(({ name }) => name === group) ??
    commands.find(({ name, isDefault }) => isDefault && name.startsWith(`${group} `));
  return alone && { command: alone, argv: all.slice(1) };
}

type Words = {
  readonly values: Readonly<Record<string, string>>;
  readonly args: readonly string[];
  /** The flag whose value comes next. */
  readonly open: string | undefined;
};

function readWords(command: Command, argv: readonly string[]): Words {
  const known = flagsOf(command);
  const named = (word: string): string | undefined =>
    word.startsWith("--")
      ? word.slice(2)
      : Object.entries(known).find(([, { short }]) => short !== undefined && word === `-${short}`)?.[0];
  const values: Record<string, string> = {};
  const args: string[] = [];
  let open: string | undefined;
  for (const word of argv) {
    if (open !== undefined) {
      if (word === "=") continue;
      values[open] = word;
      open = undefined;
      continue;
    }
    const [name = "", ...rest] = (word.startsWith("-") ? (named(word) ?? word) : "").split("=");
    if (name === "") args.push(word);
    else if (rest.length > 0) values[name] = rest.join("=");
    else if (known[name]?.type === "string") open = name;
    else values[name] = "";
  }
  return { values, args, open };
}
