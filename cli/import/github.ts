// GitHub Actions: a workflow becomes one pipeline.

import { isJsonObject, type JsonObject, type JsonValue } from "@gantry/core/json.ts";
import type { ForeignFile, Path } from "./foreign-file.ts";
import { uploadsOf } from "./github-artifacts.ts";
import { concurrencyOf } from "./github-concurrency.ts";
import { readJob } from "./github-job.ts";
import { type Importing, openNames } from "./github-names.ts";
import type { Notes } from "./notes.ts";
import { compact, type ImportOptions, listOf, OF_PUSH, orNothing, SOURCE_PARAMS, textsOf } from "./target.ts";

/** Keys that say nothing about what runs. */
const SILENT = new Set(["name", "run-name", "on", "env", "jobs", "defaults", "concurrency", "permissions"]);

export function importGithub({ root, placeOf }: ForeignFile, options: ImportOptions, notes: Notes): JsonObject {
  const note = (path: Path, what: string): void => notes.add(placeOf(path), what);
  const importing: Importing = {
    note,
    env: isJsonObject(root.env) ? root.env : {},
    defaults: isJsonObject(root.defaults) && isJsonObject(root.defaults.run) ? root.defaults.run : {},
    site: options.site,
    hasTags: readEvents(root.on, { note: () => {} }).triggers.some((one) => "tag" in one),
    pipeline: options.name,
    jobs: isJsonObject(root.jobs) ? root.jobs : {},
    uploads: uploadsOf(isJsonObject(root.jobs) ? root.jobs : {}),
    used: new Set<string>(),
  };
  for (const key of Object.keys(root)) if (!SILENT.has(key)) note([key], `\`${key}\` is not known`);
  const jobs: { [id: string]: JsonValue } = {};
  for (const [id, job] of Object.entries(importing.jobs)) {
    if (isJsonObject(job)) jobs[id] = readJob(id, job, ["jobs", id], importing);
  }
  const { triggers, params } = readEvents(root.on, importing);
  const names = openNames({ ...importing, steps: new Map() });
  const concurrency = concurrencyOf(root.concurrency, ["concurrency"], names, importing);
  return compact({
    name: options.name,
    title: typeof root.name === "string" ? root.name : undefined,
    app: importing.used.size > 0 || options.site === undefined ? "existing" : "none",
    params: orNothing({ ...sourceParams(importing), ...params }),
    triggers: orNothing(triggers.map((one) => withParams(one, importing))),
    concurrency,
    jobs,
  });
}

function sourceParams({ used }: Importing): JsonObject {
  return Object.fromEntries(Object.entries(SOURCE_PARAMS).filter(([name]) => used.has(name)));
}

function withParams(trigger: JsonObject, { used }: Importing): JsonObject {
  if (!("push" in trigger) && !("pull_request" in trigger) && !("tag" in trigger)) return trigger;
  const all: JsonObject = "tag" in trigger ? { ref: OF_PUSH.ref } : OF_PUSH;
  const params = orNothing(Object.fromEntries(Object.entries(all).filter(([name]) => used.has(name))));
  return compact({ ...trigger, params });
}

type Events = { readonly triggers: readonly JsonObject[]; readonly params: JsonObject };

function readEvents(on: JsonValue | undefined, importing: Pick<Importing, "note">): Events {
  const events: JsonObject = isJsonObject(on) ? on : Object.fromEntries(textsOf(on).map((name) => [name, null]));
  const triggers: JsonObject[] = [];
  let params: JsonObject = {};
  for (const [name, value] of Object.entries(events)) {
    const event = isJsonObject(value) ? value : {};
    const at: Path = ["on", name];
    if (name === "push") triggers.push(...ofPush(event));
    else if (name === "pull_request")
      triggers.push({ pull_request: compact({ branches: filterOf(event, "branches") }) });
    else if (name === "schedule") {
      for (const one of listOf(value)) {
        if (isJsonObject(one) && typeof one.cron === "string")
          triggers.push({
            schedule: { cron: one.cron, timeZone: typeof one.timezone === "string" ? one.timezone : "UTC" },
          });
      }
    } else if (name === "workflow_dispatch" || name === "workflow_call") {
      params = { ...params, ...inputsOf(event.inputs, [...at, "inputs"], importing) };
    } else importing.note(at, `the event \`${name}\` starts nothing here`);
  }
  return { triggers, params };
}

/** Without filters, tags start it, too. */
function ofPush(event: JsonObject): readonly JsonObject[] {
  const paths = filterOf(event, "paths");
  const tags = filterOf(event, "tags");
  const branches = filterOf(event, "branches");
  const named = tags ?? (branches ? undefined : ["**"]);
  const tag = named ? [{ tag: { names: named } }] : [];
  return tags && !branches ? tag : [{ push: compact({ branches: branches ?? ["**"], paths }) }, ...tag];
}

/** `branches`, and `branches-ignore` as patterns with `!`. */
function filterOf(event: JsonObject, key: string): readonly string[] | undefined {
  const ignored = textsOf(event[`${key}-ignore`]).map((pattern) => `!${pattern}`);
  const all = [...textsOf(event[key]), ...(ignored.length > 0 ? ["**", ...ignored] : [])];
  return all.length > 0 ? all : undefined;
}

const INPUT_TYPES: { readonly [type: string]: string } = {
  string: "string",
  boolean: "boolean",
  number: "number",
  choice: "string",
};

function inputsOf(inputs: JsonValue | undefined, at: Path, { note }: Pick<Importing, "note">): JsonObject {
  const params: { [name: string]: JsonValue } = {};
  for (const [name, value] of Object.entries(isJsonObject(inputs) ? inputs : {})) {
    const input = isJsonObject(value) ? value : {};
    const type = INPUT_TYPES[typeof input.type === "string" ? input.type : "string"];
    if (type === undefined)
      note([...at, name], `the input ${name} has the type ${String(input.type)}, which is text here`);
    params[name.replaceAll("-", "_")] = compact({
      type: type ?? "string",
      description: typeof input.description === "string" ? input.description : undefined,
      required: input.required === true ? true : undefined,
      default: input.default === "" ? undefined : input.default,
      enum: input.type === "choice" && Array.isArray(input.options) ? (input.options as JsonValue) : undefined,
    });
  }
  return params;
}
