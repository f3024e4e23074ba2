// Renders a chart: its values, and of the templates only `{{ .Values.… }}`, `{{ .Release.… }}` and `{{ .Chart.Name }}`. Every
// other directive is an error. Pure.

import { parse } from "yaml";
import { type Files, RenderProblem, resolvePath } from "./files.ts";
import { isObject } from "./patch.ts";

/** `valueFiles`: relative to the chart, or with a `/` from the root of the repository. */
export type Release = { readonly name: string; readonly namespace: string; readonly valueFiles: readonly string[] };

export function isChart(files: Files, folder: string): boolean {
  return files.has(inFolder(folder, "Chart.yaml"));
}

/** The texts of the templates by file. Throws RenderProblem. */
export function renderChart(files: Files, folder: string, release: Release): ReadonlyMap<string, string> {
  const read = (file: string): Record<string, unknown> => {
    const text = files.get(file);
    if (text === undefined) throw new RenderProblem(`open ${file}: no such file or directory`);
    const value: unknown = parse(text) ?? {};
    if (!isObject(value)) throw new RenderProblem(`${file}: not a mapping`);
    return value;
  };
  const own = inFolder(folder, "values.yaml");
  const given = release.valueFiles.map((file) =>
    file.startsWith("/") ? resolvePath("", file.slice(1)) : resolvePath(folder, file),
  );
  const values = [...(files.has(own) ? [own] : []), ...given].map(read).reduce(merge, {});
  const scope = {
    Values: values,
    Release: { Name: release.name, Namespace: release.namespace },
    Chart: { Name: read(inFolder(folder, "Chart.yaml")).name },
  };
  const templates = [...files].filter(
    ([file]) => file.startsWith(inFolder(folder, "templates/")) && /\.ya?ml$/.test(file),
  );
  return new Map(templates.map(([file, text]) => [file, fill(file, text, scope)]));
}

function fill(file: string, text: string, scope: Record<string, unknown>): string {
  return text.replace(/\{\{-?\s*(.*?)\s*-?\}\}/g, (_, directive: string) => {
    const path = /^\.([A-Za-z]\w*(?:\.[A-Za-z]\w*)*)$/.exec(directive)?.[1];
    if (path === undefined) throw new RenderProblem(`${file}: the fake Argo CD does not know {{ ${directive} }}`);
    const value = path.split(".").reduce<unknown>((holder, key) => (isObject(holder) ? holder[key] : undefined), scope);
    if (value === undefined || isObject(value)) throw new RenderProblem(`${file}: {{ ${directive} }} has no value`);
    return String(value);
  });
}

function merge(a: Record<string, unknown>, b: Record<string, unknown>): Record<string, unknown> {
  const both = Object.entries(b).map(([key, value]) => {
    const before = a[key];
    return [key, isObject(before) && isObject(value) ? merge(before, value) : value] as const;
  });
  return { ...a, ...Object.fromEntries(both) };
}

function inFolder(folder: string, file: string): string {
  return folder === "" ? file : `${folder}/${file}`;
}
