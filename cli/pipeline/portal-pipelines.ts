// `gantry pipeline list` and `show`: the pipelines of the portal.

import { isJsonObject, type JsonObject } from "@gantry/core/json.ts";
import { type PipelineView, page, pipelineView } from "@gantry/wire/agent/views.ts";
import { textTable } from "../print/text-table.ts";
import type { Call, Outcome } from "../table/command.ts";

export async function listPipelines({ portal }: Call): Promise<Outcome> {
  const { items } = await portal().get("/v1/pipelines", page(pipelineView));
  const rows = items.map(({ name, title, summary }) => [name, title, summary]);
  return {
    value: items,
    text: rows.length === 0 ? "You may see no pipeline.\n" : textTable(["PIPELINE", "TITLE", "SUMMARY"], rows),
  };
}

export async function showPipeline({ portal, args: [name] }: Call<object, readonly [string]>): Promise<Outcome> {
  const found = await portal().get(`/v1/pipelines/${encodeURIComponent(name)}`, pipelineView);
  return { value: found, text: inWords(found) };
}

function inWords({ name, title, summary, params, jobs, turns = [] }: PipelineView): string {
  const properties = isJsonObject(params.properties) ? params.properties : {};
  const required = Array.isArray(params.required) ? params.required : [];
  const rows = Object.entries(properties).map(([param, schema]) => [
    param,
    required.includes(param) ? "required" : "",
    isJsonObject(schema) ? aboutParam(schema) : "",
  ]);
  const steps = jobs.map(({ id, title: job, needs, steps: all, pipeline, asks }) => [
    ...[id, job, needs.join(", "), pipeline === undefined ? String(all.length) : `runs ${pipeline}`],
    asks === undefined ? "" : `asks: ${asks}`,
  ]);
  const table = rows.length === 0 ? "No parameters.\n" : textTable(["PARAMETER", "", "ABOUT"], rows);
  const when = turns.map((sentence) => `${sentence}\n`).join("");
  return `${name}: ${title}\n${summary}\n${when}\n${table}\n${textTable(["JOB", "TITLE", "AFTER", "STEPS", ""], steps)}`;
}

function aboutParam(schema: JsonObject): string {
  const about = typeof schema.description === "string" ? schema.description : "";
  const items = isJsonObject(schema.items) ? schema.items : {};
  const choices = Array.isArray(schema.enum) ? schema.enum : Array.isArray(items.enum) ? items.enum : undefined;
  const values = choices ? ` One of ${choices.join(", ")}.` : "";
  const known = Array.isArray(schema.examples) ? ` Known: ${schema.examples.join(", ")}.` : "";
  return `${about}${values}${known}`.trim();
}
