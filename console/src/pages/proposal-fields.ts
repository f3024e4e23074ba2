// The form that names the repositories to look at, and what a proposal says about the fields of an app.

import type { JsonObject, JsonValue } from "@gantry/core/json.ts";
import { withOption } from "@gantry/core/proposal/proposal.ts";
import type { AppProposal } from "@gantry/wire/agent/proposals.ts";
import type { SiteView } from "@gantry/wire/agent/sites/views.ts";
import { isJsonObject } from "../data/json-access.ts";
import type { Entries, Field } from "../run/form.ts";
import { appBody, entriesOf, field, gitHosts } from "./app-fields.ts";

export function lookFields(sites: readonly SiteView[]): readonly Field[] {
  const hosts = gitHosts(sites);
  const [only, second] = hosts;
  const host = only !== undefined && second === undefined ? { default: only } : {};
  return [
    field("source.system", "Source: git host", { choices: hosts, isRequired: true, ...host }),
    field("source.project", "Source: project", { isRequired: true }),
    field("source.slug", "Source: repository", { isRequired: true }),
    field("source.folder", "Source: folder", { description: "In a monorepo. Empty: it is found." }),
    field("yaml.project", "Yaml: project", { description: "Empty: that of the source." }),
    field("yaml.slug", "Yaml: repository", { description: "Empty: the source repository has the yaml files, too." }),
    field("name", "Name", { description: "Empty: that of the repository." }),
    field("team", "Team", { description: "Determines who has rights on the app." }),
    field("site", "Build site", { choices: sites.map(({ name }) => name), description: "Empty: one that can." }),
  ];
}

export function lookBody({ yaml, ...rest }: JsonObject): JsonObject {
  if (!isJsonObject(yaml) || yaml.slug === undefined) return rest;
  const project = yaml.project ?? (isJsonObject(rest.source) ? rest.source.project : undefined) ?? "";
  return { ...rest, yaml: { ...yaml, project } };
}

/** What does the same in a terminal. */
export function lookCommand(body: JsonObject): string {
  const { source, yaml, name, team, site } = lookBody(body);
  const partsOf = (of: JsonValue | undefined, keys: readonly string[]): string =>
    keys.map((key) => (isJsonObject(of) && typeof of[key] === "string" ? of[key] : key.toUpperCase())).join("/");
  const flags = [
    ["yaml", yaml === undefined ? undefined : partsOf(yaml, ["project", "slug"])],
    ["folder", isJsonObject(source) ? source.folder : undefined],
    ...Object.entries({ name, team, site }),
  ].flatMap(([flag, value]) => (typeof value === "string" ? [`--${String(flag)} ${value}`] : []));
  return ["gantry app adopt --from", partsOf(source, ["system", "project", "slug"]), ...flags].join(" ");
}

/** The entries of the form for a proposal. */
export function proposedEntries(fields: readonly Field[], { name, app = {} }: AppProposal): Entries {
  return { ...entriesOf(fields, { record: app }), name };
}

/** Where the value of each field was found: "found in SHOP/orders (Dockerfile)". */
export function foundNotes(
  fields: readonly Field[],
  { found }: Pick<AppProposal, "found">,
): Readonly<Record<string, string>> {
  const notes = found.map(({ pointer, from, file, line }) => {
    const path = pointer.slice(1).replaceAll("/", ".");
    const owner = ownerOf(fields, path);
    const inside = path.slice(owner.length + 1);
    const place = file === undefined ? "" : ` (${file}${line === undefined ? "" : `:${line}`})`;
    return { owner, text: `${inside === "" ? "" : `${inside}: `}${from}${place}` };
  });
  return Object.fromEntries(
    [...Map.groupBy(notes, ({ owner }) => owner)].map(([owner, own]) => [
      owner,
      `Found: ${own.map(({ text }) => text).join("; ")}.`,
    ]),
  );
}

export type Decision = {
  readonly kind: AppProposal["open"][number]["kind"];
  readonly title: string;
  readonly problem: string;
  readonly options: readonly { readonly text: string; readonly entries: (now: Entries) => Entries }[];
};

/** What a person has to decide. Each option changes the entries of the form. */
export function decisionsOf(fields: readonly Field[], { open }: Pick<AppProposal, "open">): readonly Decision[] {
  return open.map((one) => {
    const path = one.pointer.slice(1).replaceAll("/", ".");
    const title = fields.find(({ name }) => name === ownerOf(fields, path))?.title ?? path;
    const options: readonly JsonValue[] = one.kind === "missing" ? [] : one.options;
    return {
      ...{ kind: one.kind, title, problem: one.problem },
      options: options.map((option) => ({
        text: textOf(option),
        entries: (now) => {
          const { name = "", ...app } = appBody(fields, now);
          return { ...entriesOf(fields, { record: withOption(app, one, option) }), name: String(name) };
        },
      })),
    };
  });
}

function ownerOf(fields: readonly Field[], path: string): string {
  return fields.find(({ name }) => path === name || path.startsWith(`${name}.`))?.name ?? "";
}

function textOf(option: JsonValue): string {
  if (!isJsonObject(option)) return typeof option === "string" ? option : JSON.stringify(option);
  return [...new Set(Object.values(option))]
    .map((value) => (typeof value === "string" ? value : JSON.stringify(value)))
    .join(" / ");
}
