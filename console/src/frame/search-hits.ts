// What the search finds: apps, pipelines, pages and recent tasks whose kind, name or description has every word.

import type { State } from "@gantry/core/task/states.ts";
import type { AppView, PipelineView, TaskSummary } from "@gantry/wire/agent/views.ts";
import { to } from "../data/api.ts";

export type SearchHit = {
  readonly href: string;
  readonly kind: "app" | "pipeline" | "page" | "task";
  readonly name: string;
  readonly description: string;
  /** Of a task. */
  readonly state?: State;
};

export type Searchable = {
  readonly apps: readonly AppView[];
  readonly pipelines: readonly PipelineView[];
  readonly pages: readonly { readonly path: string; readonly title: string }[];
  readonly tasks: readonly TaskSummary[];
};

const MAX_HITS = 12;

/** At most 12, in the order apps, pipelines, pages, tasks. */
export function findHits(all: Searchable, text: string): readonly SearchHit[] {
  const words = text.toLowerCase().split(/\s+/);
  return hitsOf(all)
    .filter(({ kind, name, description }) =>
      words.every((word) => `${kind} ${name} ${description}`.toLowerCase().includes(word)),
    )
    .slice(0, MAX_HITS);
}

function hitsOf({ apps, pipelines, pages, tasks }: Searchable): readonly SearchHit[] {
  return [
    ...apps.map(({ name, record }): SearchHit => {
      const description = typeof record.title === "string" ? record.title : "";
      return { href: to.app(name), kind: "app", name, description };
    }),
    ...pipelines.map(({ name, title, summary }): SearchHit => {
      return { href: to.pipeline(name), kind: "pipeline", name: title, description: summary };
    }),
    ...pages.map(({ path, title }): SearchHit => ({ href: path, kind: "page", name: title, description: "" })),
    ...tasks.map(({ id, title, headline, state }): SearchHit => {
      return { href: to.task(id), kind: "task", name: title, description: `${id} ${headline}`, state };
    }),
  ];
}
