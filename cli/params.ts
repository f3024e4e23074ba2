// `--param NAME=VALUE`: parameters of pipelines on a command line.

import type { JsonObject, JsonValue } from "@gantry/core/json.ts";
import { parse as parseYaml } from "yaml";
import { UsageError } from "./table/command.ts";

/** The values are read as YAML. Throws a UsageError. */
export function readParams(texts: readonly string[]): JsonObject {
  return Object.fromEntries(texts.map(readParam));
}

function readParam(text: string): [string, JsonValue] {
  const at = text.indexOf("=");
  if (at < 1) throw new UsageError(`--param ${text}: write NAME=VALUE`);
  try {
    return [text.slice(0, at), parseYaml(text.slice(at + 1), { maxAliasCount: 0 }) as JsonValue];
  } catch (error) {
    const [reason = ""] = (error as Error).message.split("\n");
    throw new UsageError(`--param ${text}: the value is not YAML: ${reason.replace(/:$/, "")}`, { cause: error });
  }
}
