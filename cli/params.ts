// `--param NAME=VALUE`: parameters of pipelines on a command line.

import type { JsonObject, JsonValue } from "@gantry/core/json.ts";
import { parse as parseYaml } from "yaml";
import type { Io } from "./io.ts";
import { readArgument } from "./pipeline/pipeline-file.ts";
import { UsageError } from "./table/command.ts";

/** The values are read as YAML; `@FILE` is the text of a file, for secrets and long texts. Throws a UsageError. */
export function readParams(texts: readonly string[], io: Pick<Io, "readFile">): JsonObject {
  return Object.fromEntries(texts.map((text) => readParam(text, io)));
}

function readParam(text: string, io: Pick<Io, "readFile">): [string, JsonValue] {
  const at = text.indexOf("=");
  if (at < 1) throw new UsageError(`--param ${text}: write NAME=VALUE`);
  const [name, value] = [text.slice(0, at), text.slice(at + 1)];
  // No YAML begins with @.
  if (value.startsWith("@")) return [name, readArgument(io, value.slice(1)).replace(/\r?\n$/, "")];
  try {
    return [name, parseYaml(value, { maxAliasCount: 0 }) as JsonValue];
  } catch (error) {
    const [reason = ""] = (error as Error).message.split("\n");
    throw new UsageError(`--param ${text}: the value is not YAML: ${reason.replace(/:$/, "")}`, { cause: error });
  }
}
