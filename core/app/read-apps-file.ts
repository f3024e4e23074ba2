// Reads apps.yaml: a list of apps. All mistakes are reported at once, with file, line and column. Pure.

import type { Problem } from "../errors.ts";
import type { Path, PathProblem } from "../issues.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../json.ts";
import { placedProblem } from "../pipeline/placed-problem.ts";
import { plainValue, readSource, type Source } from "../pipeline/source.ts";
import { didYouMean } from "../suggest.ts";
import { recordOf } from "./app-record.ts";
import { type AppFields, appName } from "./app-shape.ts";
import { placesOf } from "./places.ts";
import { readApp } from "./read-app.ts";

export type AppOfFile = {
  readonly name: string;
  readonly fields: AppFields;
  /** The position in the file of a JSON pointer into the fields; used for errors from the portal. */
  readonly problemAt: (pointer: string, detail: string) => Problem;
};
export type AppsFile =
  | { readonly ok: true; readonly apps: readonly AppOfFile[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** `file`: its name, for the problems. */
export function readAppsFile(text: string, file: string): AppsFile {
  const { root, problems: found } = readSource(text);
  const problems: Problem[] = found.map(({ at, detail }) => ({ detail, file, line: at.line, column: at.column }));
  if (root === undefined || problems.length > 0) return { ok: false, problems };
  const reading: Reading = { root, file, problems, apps: [] };
  readRoot(reading, plainValue(root));
  refuseSharedPlaces(reading);
  return problems.length > 0 ? { ok: false, problems } : { ok: true, apps: reading.apps };
}

type Reading = {
  readonly root: Source;
  readonly file: string;
  readonly problems: Problem[];
  readonly apps: AppOfFile[];
};

function readRoot(reading: Reading, value: JsonValue): void {
  const report = (path: Path, detail: string, on?: PathProblem["on"]): void => {
    reading.problems.push(placedProblem(reading, path, detail, on));
  };
  const { apps, ...others } = isJsonObject(value) ? value : {};
  for (const key of Object.keys(others)) report([key], `unknown key ${key}${didYouMean(key, ["apps"])}`, "key");
  if (!Array.isArray(apps))
    report(apps === undefined ? [] : ["apps"], "the file must have a list of apps under the key apps");
  const names = new Set<string>();
  for (const [at, one] of (Array.isArray(apps) ? (apps as readonly JsonValue[]) : []).entries()) {
    if (isJsonObject(one)) readOne(reading, one, at, names);
    else report(["apps", at], `element ${at + 1} of apps must be a map`);
  }
}

function readOne(reading: Reading, { name, ...rest }: JsonObject, at: number, names: Set<string>): void {
  const { problems } = reading;
  const around: Path = ["apps", at];
  const parsed = appName.safeParse(name);
  if (!parsed.success) {
    const detail = name === undefined ? "name is missing" : `name ${parsed.error.issues[0]?.message ?? "is not valid"}`;
    problems.push(placedProblem(reading, [...around, "name"], detail));
  } else if (names.has(parsed.data)) {
    problems.push(placedProblem(reading, [...around, "name"], `the name ${parsed.data} is given to an earlier app`));
  }
  const read = readApp(parsed.data ?? "app", rest);
  if (!read.ok) {
    for (const { path, detail, on } of read.problems)
      problems.push(placedProblem(reading, [...around, ...path], detail, on));
  }
  if (!parsed.success || !read.ok) return;
  names.add(parsed.data);
  reading.apps.push({
    name: parsed.data,
    fields: read.fields,
    problemAt: (pointer, detail) => placedProblem(reading, [...around, ...pathOf(pointer)], detail),
  });
}

/** Two apps of the file in the same place. */
function refuseSharedPlaces(reading: Reading): void {
  const known = new Map<string, string>();
  for (const { name, fields, problemAt: at } of reading.apps) {
    for (const { key, target, words } of placesOf(name, recordOf(name, fields))) {
      const other = known.get(key);
      const index = fields.targets.findIndex((one) => one.name === target);
      if (other !== undefined && other !== name)
        reading.problems.push(at(`/targets/${index}`, `${words} is that of the app ${other} already`));
      known.set(key, other ?? name);
    }
  }
}

function pathOf(pointer: string): Path {
  return pointer
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"))
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part));
}
