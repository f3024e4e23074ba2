// What looks wrong in a request for a new app, by what was last read. The list may be old, so these are hints. Pure.

import { didYouMean } from "@gantry/core/suggest.ts";
import type { TemplatesView } from "@gantry/wire/agent/templates.ts";

type Given = {
  readonly template: string | undefined;
  readonly set: readonly string[];
  readonly target: readonly string[];
};

/** Sentences; empty: nothing looks wrong, or nothing was read. */
export function createHints({ read }: TemplatesView, { template, set, target }: Given): readonly string[] {
  if (!read) return [];
  const as = `as read at ${read.at}`;
  const usable = read.templates.filter(
    ({ kind, state, problem }) => kind === "source" && state !== "missing" && !problem,
  );
  const names = usable.map(({ name }) => name);
  const found = usable.find(({ name }) => name === template);
  const asks = Object.keys(found?.params ?? {});
  const clusters = read.clusters.flatMap((one) => one.names.map((name) => `${one.site}/${name}`));
  const known = (one: string): boolean =>
    clusters.includes(one) || !read.clusters.some(({ site }) => site === one.split("/")[0]);
  return [
    ...(template === undefined || found
      ? []
      : [`There is no template ${template} in ${read.project}, ${as}${didYouMean(template, names)}.`]),
    ...set
      .map((one) => one.split("=")[0] ?? "")
      .filter((name) => found && !asks.includes(name))
      .map((name) => `The template ${template} does not ask for ${name}, ${as}${didYouMean(name, asks)}.`),
    ...target
      .filter((one) => !known(one))
      .map((one) => `Argo CD does not show the cluster ${one}, ${as}${didYouMean(one, clusters)}.`),
  ];
}
