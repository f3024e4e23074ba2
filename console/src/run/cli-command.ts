// What to type at a terminal instead of filling in a form. Pure.

import type { JsonObject, JsonValue } from "@gantry/core/json.ts";
import { shellWord } from "../parts/format.ts";

/** Secrets belong neither on a screen nor in the history of a shell: `secrets` are read from files. */
export function cliCommand(
  pipeline: string,
  app: string | undefined,
  params: JsonObject,
  secrets: readonly string[] = [],
): string {
  const { words, own } = begin(pipeline, app, params);
  const rest = Object.entries(params).filter(([name]) => !own.includes(name));
  const flags = rest.flatMap(([name, value]) => [
    "--param",
    `${name}=${secrets.includes(name) ? "@FILE" : yamlOf(value)}`,
  ]);
  return ["gantry", ...words, ...flags, "--follow"].map(shellWord).join(" ");
}

type Begin = {
  readonly words: readonly string[];
  /** The parameters that are in the words. */
  readonly own: readonly string[];
};

/** CI, CD and the creation of an app have commands of their own, with flags for the parameters that all of them have. */
function begin(pipeline: string, app: string | undefined, params: JsonObject): Begin {
  if (pipeline === "create-app") {
    const name = typeof params.name === "string" && params.name !== "" ? params.name : "NAME";
    const title = textFlag("--title", params.title);
    const jiraKey = textFlag("--jira-key", params.jiraKey);
    return { words: ["app", "create", name, ...title, ...jiraKey], own: ["name", "title", "jiraKey"] };
  }
  if (pipeline === "ci" && app !== undefined)
    return { words: ["ci", app, ...textFlag("--ref", params.ref)], own: ["ref"] };
  if (pipeline === "cd" && app !== undefined) {
    const targets = Array.isArray(params.targets) ? params.targets.filter((one) => typeof one === "string") : [];
    const words = ["cd", app, ...textFlag("--build", params.build), ...targets.flatMap((one) => ["--target", one])];
    return { words, own: ["build", "targets"] };
  }
  return { words: ["pipeline", "run", pipeline, ...(app === undefined ? [] : ["--app", app])], own: [] };
}

function textFlag(flag: string, value: JsonValue | undefined): readonly string[] {
  if (typeof value !== "string" || value === "") return [];
  return value.startsWith("-") ? [`${flag}=${value}`] : [flag, value];
}

/** JSON is YAML. A text that YAML reads as the same text needs no quotes. */
function yamlOf(value: JsonValue): string {
  const isPlain = typeof value === "string" && /^[A-Za-z][\w./-]*$/.test(value) && !/^(true|false|null)$/i.test(value);
  return isPlain ? value : JSON.stringify(value);
}
