// `--param NAME=VALUE`: parameters of pipelines on a command line.

import { isJsonObject, type JsonObject, type JsonValue } from "@gantry/core/json.ts";
import { parse as parseYaml } from "yaml";
import type { Io } from "./io.ts";
import { readArgument } from "./pipeline/pipeline-file.ts";
import { UsageError } from "./table/command.ts";

/**
 * The values are read as YAML; `@FILE` is the text of a file, for secrets and long texts. `image.tag=v1` sets a member of the
 * map `image`. The last value of a name counts. Throws a UsageError.
 */
export function readParams(texts: readonly string[], io: Pick<Io, "readFile">): JsonObject {
  return texts.reduce<JsonObject>((params, text) => {
    const [name, value] = readParam(text, io);
    return withMember(params, name.split("."), value);
  }, {});
}

function withMember(params: JsonObject, [name = "", ...rest]: readonly string[], value: JsonValue): JsonObject {
  const before = Object.hasOwn(params, name) ? params[name] : undefined;
  // A computed name never sets the prototype.
  return { ...params, [name]: rest.length === 0 ? value : withMember(isJsonObject(before) ? before : {}, rest, value) };
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
