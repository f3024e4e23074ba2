// The form that adopts or changes an app: its fields, their first values, and the request. The server validates; its errors
// point to fields.

import type { JsonObject, JsonValue } from "@gantry/core/json.ts";
import type { SiteView } from "@gantry/wire/agent/sites/views.ts";
import type { AppView } from "@gantry/wire/agent/views.ts";
import type { FieldError } from "../data/api.ts";
import { isJsonObject } from "../data/json-access.ts";
import type { Entries, Field } from "../run/form.ts";

/** A target to complete, at the first site that deploys. Its only cluster is filled in. */
function firstTarget(sites: readonly SiteView[]): string {
  const { name: site, clusters } = sites.find(({ name }) => name !== "platform") ?? { name: "" };
  const [cluster = "", ...others] = clusters?.names ?? [];
  const target = { name: site, site, cluster: others.length === 0 ? cluster : "", overlay: `overlays/${site}` };
  const members = Object.entries(target).map(([key, value]) => `"${key}": ${JSON.stringify(value)}`);
  return `[\n  { ${members.join(", ")} }\n]`;
}

const SHOWN = 20;

/** The clusters that people can choose, by site; empty when unknown. */
function clustersInWords(sites: readonly SiteView[]): string {
  const known = sites.flatMap(({ name, clusters }) => {
    if (!clusters || clusters.names.length === 0) return [];
    const more = clusters.names.length > SHOWN ? ", …" : "";
    return [`${name}: ${clusters.names.slice(0, SHOWN).join(", ")}${more}`];
  });
  return known.length === 0 ? "" : ` Clusters of ${known.join("; of ")}.`;
}

/** The name of a field is its path in the app: `source.branch`. `sites`: the choices; empty when unknown. */
export function appFields(sites: readonly SiteView[], isNew: boolean): readonly Field[] {
  const siteNames = sites.map(({ name }) => name);
  const hosts = gitHosts(sites);
  const repository = (of: string, title: string): readonly Field[] => [
    field(`${of}.system`, `${title}: git host`, { choices: hosts, isRequired: true }),
    field(`${of}.project`, `${title}: project`, { isRequired: true }),
    field(`${of}.slug`, `${title}: repository`, { isRequired: true }),
    field(`${of}.branch`, `${title}: branch`, { default: "main" }),
  ];
  return [
    ...(isNew
      ? [field("name", "Name", { isRequired: true, description: "Lower case letters, digits and hyphens." })]
      : []),
    field("title", "Title", { isRequired: true, description: "The display name of the app." }),
    field("team", "Team", { description: "Determines who has rights on the app." }),
    field("labels", "Labels", { kind: "json", description: 'A JSON map of texts, such as {"tier": "1"}.' }),
    ...repository("source", "Source"),
    field("source.folder", "Source: folder", { description: "In a monorepo." }),
    field("build.site", "Build site", { choices: siteNames, isRequired: true }),
    field("images", "Images", {
      kind: "json",
      description:
        "A JSON list with `name`, `repository`, `dockerfile`, `context` and `build`. Empty: one with the name of the app.",
    }),
    ...repository("yaml", "Yaml"),
    field("yaml.form", "Yaml: form", { choices: ["kustomize", "helm", "plain", "argocd"], default: "kustomize" }),
    field("namespace", "Namespace", { description: "For targets without their own. Empty: the name of the app." }),
    field("targets", "Targets", {
      kind: "json",
      isRequired: true,
      default: firstTarget(sites),
      description: `A JSON list. \`cluster\` is its name in Argo CD. \`overlay\` is the folder for kustomize; other forms have \`files\` instead, such as \`["k8s/app.yaml"]\`. \`application\` is an existing Argo CD application.${clustersInWords(sites)}`,
    }),
    field("argocd.project", "Argo CD project", { description: "Of its applications. Empty: the name of the app." }),
  ];
}

export function gitHosts(sites: readonly SiteView[]): readonly string[] {
  return [...new Set(sites.flatMap((one) => one.systems).flatMap(({ name, kind }) => (kind === "git" ? [name] : [])))];
}

export function field(name: string, title: string, more: Partial<Field>): Field {
  const { choices = [] } = more;
  return {
    name,
    title,
    kind: choices.length > 0 ? "choice" : "text",
    description: "",
    isRequired: false,
    choices,
    offers: [],
    isWhole: false,
    isDecidedLater: false,
    isSecret: false,
    ...more,
  };
}

/** The values of an existing app. */
export function entriesOf(fields: readonly Field[], { record }: { readonly record: JsonObject }): Entries {
  return Object.fromEntries(
    fields.map(({ name }) => {
      const value = valueAt(record, name);
      if (value === undefined) return [name, ""];
      return [name, typeof value === "string" ? value : JSON.stringify(value, null, 2)];
    }),
  );
}

/**
 * The values of the non-empty fields. `before`: the app that is changed; a value that it has and the form lacks becomes
 * null, which removes it.
 */
export function appBody(fields: readonly Field[], entries: Entries, before?: Pick<AppView, "record">): JsonObject {
  const body: { [key: string]: JsonValue } = {};
  for (const { name, kind } of fields) {
    const entry = entries[name];
    const text = typeof entry === "string" ? entry.trim() : "";
    const known = before && valueAt(before.record, name);
    if (text === "" && known === undefined) continue;
    const value = text === "" ? null : kind === "json" ? jsonOf(text) : text;
    setAt(body, name, isJsonObject(value) && isJsonObject(known) ? { ...removals(known, value), ...value } : value);
  }
  return body;
}

/** The removed keys, as in a merge patch. */
function removals(before: JsonObject, after: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.keys(before)
      .filter((key) => !Object.hasOwn(after, key))
      .map((key) => [key, null]),
  );
}

/** Errors by the name of their field; "" has those that belong to no field. */
export function appErrors(
  fields: readonly Field[],
  errors: readonly FieldError[],
): { readonly [name: string]: readonly string[] } {
  const found: { [name: string]: string[] } = {};
  for (const { pointer = "", detail } of errors) {
    const path = pointer
      .replace(/^\/app(?=\/)/, "")
      .split("/")
      .slice(1)
      .join(".");
    const owner = fields.find(({ name }) => path === name || path.startsWith(`${name}.`))?.name ?? "";
    const inside = path.slice(owner.length + 1);
    const text = inside === "" || owner === "" ? detail : `${inside}: ${detail}`;
    found[owner] = [...(found[owner] ?? []), text];
  }
  return found;
}

function jsonOf(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    // The server says what is wrong with it.
    return text;
  }
}

function valueAt(value: JsonValue, path: string): JsonValue | undefined {
  let at: JsonValue | undefined = value;
  for (const name of path.split(".")) at = isJsonObject(at) && Object.hasOwn(at, name) ? at[name] : undefined;
  return at;
}

function setAt(body: { [key: string]: JsonValue }, path: string, value: JsonValue): void {
  const [first = "", second] = path.split(".");
  const inner = body[first];
  body[first] = second === undefined ? value : { ...(isJsonObject(inner) ? inner : {}), [second]: value };
}
