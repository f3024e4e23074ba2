// A proposal: an app as it would be adopted, where each value comes from, and what a person has to decide.

import { isJsonObject, type JsonObject, type JsonValue } from "../json.ts";

/** `pointer`: a JSON pointer into the app, such as `/targets/0/cluster`. */
export type Found = {
  readonly pointer: string;
  /** Where the value comes from, for people. */
  readonly from: string;
  /** Below the repository that `from` names. */
  readonly file?: string;
  readonly line?: number;
};

export type Open = {
  readonly pointer: string;
  /** `missing`: nothing was found. `unclear`: there are several, and the app has the first. `optional`: it may be added. */
  readonly kind: "missing" | "unclear" | "optional";
  readonly problem: string;
  /** Values for the place; a map replaces the fields that it has. With `-` at the end of the pointer, one to add to the list. */
  readonly options: readonly JsonValue[];
};

/** The app with one of the options. */
export function withOption(app: JsonObject, { pointer }: Pick<Open, "pointer">, option: JsonValue): JsonObject {
  const path = pointer
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
  const changed = setAt(app, path, option);
  return isJsonObject(changed) ? changed : app;
}

function setAt(value: JsonValue | undefined, [first, ...rest]: readonly string[], option: JsonValue): JsonValue {
  if (first === undefined) return isJsonObject(option) && isJsonObject(value) ? { ...value, ...option } : option;
  if (Array.isArray(value) || first === "-") {
    const list: readonly JsonValue[] = Array.isArray(value) ? value : [];
    const at = first === "-" ? list.length : Number(first);
    const next = setAt(list[at], rest, option);
    return at >= list.length ? [...list, next] : list.map((one, index) => (index === at ? next : one));
  }
  const map = isJsonObject(value) ? value : {};
  return { ...map, [first]: setAt(map[first], rest, option) };
}

/** A part of a proposal. */
export type Notes = {
  readonly found: readonly Found[];
  readonly open: readonly Open[];
  readonly warnings: readonly string[];
};

export function joinNotes(parts: readonly Notes[]): Notes {
  return {
    found: parts.flatMap(({ found }) => found),
    open: parts.flatMap(({ open }) => open),
    warnings: [...new Set(parts.flatMap(({ warnings }) => warnings))],
  };
}
