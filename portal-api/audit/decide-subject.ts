// What a request was about, for the audit log: names from its path, its query and its body. Never parameters of pipelines.

import { isJsonObject } from "@gantry/core/json.ts";
import { harmless } from "@gantry/wire/audit/entry.ts";

export type Subject = { readonly [what: string]: string };

/** Fields of bodies and queries that name an object or an action. Other fields may be long or secret. */
const RECORDED = [
  "app",
  "pipeline",
  "site",
  "runner",
  "job",
  "answer",
  "plan",
  "from",
  "definition",
  "undo",
  "name",
  "role",
  "user",
  "group",
  "days",
] as const;

/** A part of a path, such as the first one under `/v1/` → what the `{id}` or `{name}` after it is. */
const KINDS: { readonly [collection: string]: string } = {
  tasks: "task",
  tokens: "token",
  pipelines: "pipeline",
  people: "person",
  // `/v1/me/tokens`, and `/sign-in/password`.
  me: "token",
  password: "person",
};

export function decideSubject(request: {
  /** The template: `/v1/tasks/{id}/cancel`. */
  readonly path: string;
  readonly params: { readonly [name: string]: unknown };
  readonly query?: unknown;
  readonly body?: unknown;
}): Subject {
  const [, , collection = ""] = request.path.split("/");
  const kind = kindOf(collection);
  const found: { [what: string]: string } = {};
  for (const source of [request.query, request.body]) {
    for (const name of RECORDED) add(found, name === "name" ? kind : name, fieldOf(source, name));
  }
  // The reason why the policies of environments are not applied.
  add(found, "override", fieldOf(fieldOf(request.body, "override"), "reason"), 500);
  if (request.path.endsWith("/override")) add(found, "override", fieldOf(request.body, "reason"), 500);
  const changes = fieldOf(request.body, "changes");
  if (isJsonObject(changes)) add(found, "settings", Object.keys(changes).sort().join(","));
  // create-app: the app does not exist yet, so its name is a parameter.
  if (collection === "apps") add(found, "app", fieldOf(fieldOf(request.body, "params"), "name"));
  for (const [name, value] of Object.entries(request.params))
    add(found, name === "id" || name === "name" ? kindBefore(request.path, name) : name, value);
  return found;
}

/** What `{id}` or `{name}` is: an artifact in `/v1/tasks/{id}/jobs/{job}/artifacts/{name}/files`. */
function kindBefore(path: string, param: string): string {
  const parts = path.split("/");
  return kindOf(parts[parts.indexOf(`{${param}}`) - 1] ?? "");
}

function kindOf(collection: string): string {
  return KINDS[collection] ?? collection.replace(/s$/, "");
}

function fieldOf(value: unknown, name: string): unknown {
  return isJsonObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

function add(found: { [what: string]: string }, name: string, value: unknown, most?: number): void {
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean")
    found[name] = harmless(String(value), most);
}
