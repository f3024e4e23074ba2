// What `gantry app adopt --from` sends, shows and writes. Pure.

import { isJsonObject, type JsonObject, type JsonValue } from "@gantry/core/json.ts";
import type { AppProposal } from "@gantry/wire/agent/proposals.ts";
import { Document, isMap, isSeq } from "yaml";
import { textTable } from "../print/text-table.ts";
import { UsageError } from "../table/command.ts";

export type LookRequest = {
  readonly name?: string;
  readonly team?: string;
  readonly site?: string;
  readonly source: {
    readonly system: string;
    readonly project: string;
    readonly slug: string;
    readonly branch?: string;
    readonly folder?: string;
  };
  readonly yaml?: { readonly system?: string; readonly project: string; readonly slug: string };
};

export type LookWords = {
  readonly from: string;
  readonly yaml?: string | undefined;
  readonly branch?: string | undefined;
  readonly folder?: string | undefined;
  readonly name?: string | undefined;
  readonly team?: string | undefined;
  readonly site?: string | undefined;
};

/** `SYSTEM/PROJECT/SLUG`; projects of some hosts have slashes. Throws `UsageError`. */
export function requestOf({ from, yaml, branch, folder, name, team, site }: LookWords): LookRequest {
  const [system = "", ...path] = from.split("/");
  const source = repositoryOf(path);
  if (system === "" || !source)
    throw new UsageError(`${from} must be SYSTEM/PROJECT/SLUG, such as bitbucket/SHOP/orders`);
  return {
    ...(name === undefined ? {} : { name }),
    ...(team === undefined ? {} : { team }),
    ...(site === undefined ? {} : { site }),
    source: {
      ...{ system, ...source },
      ...(branch === undefined ? {} : { branch }),
      ...(folder === undefined ? {} : { folder }),
    },
    ...(yaml === undefined ? {} : { yaml: yamlOf(yaml, system) }),
  };
}

/** Of the git host of the source, unless it begins with the name of one: `SHOP/deployments`, `bitbucket/SHOP/deployments`. */
function yamlOf(yaml: string, system: string): NonNullable<LookRequest["yaml"]> {
  const parts = yaml.split("/");
  const [first = "", ...rest] = parts;
  const isWhole = parts.length > 2 || first === system;
  const repository = repositoryOf(isWhole ? rest : parts);
  if (!repository) throw new UsageError(`${yaml} must be PROJECT/SLUG or SYSTEM/PROJECT/SLUG`);
  return { ...(isWhole ? { system: first } : {}), ...repository };
}

function repositoryOf(path: readonly string[]): { readonly project: string; readonly slug: string } | undefined {
  const [slug, ...project] = path.toReversed();
  if (slug === undefined || project.length === 0 || path.includes("")) return undefined;
  return { project: project.toReversed().join("/"), slug };
}

/** `targets[0].cluster` */
export function placeInWords(pointer: string): string {
  const parts = pointer.split("/").slice(1);
  return parts
    .reduce((text, part) => `${text}${/^(?:\d+|-)$/.test(part) ? `[${part === "-" ? "" : part}]` : `.${part}`}`, "")
    .replace(/^\./, "");
}

export function optionInWords(option: JsonValue): string {
  if (!isJsonObject(option)) return typeof option === "string" ? option : JSON.stringify(option);
  return (
    Object.entries(option)
      // The site says it already.
      .filter(([key, value]) => key !== "name" || value !== option.site)
      .map(([key, value]) => `${key}: ${typeof value === "string" ? value : JSON.stringify(value)}`)
      .join(", ")
  );
}

/** A table of the values with their sources, what is to be decided, and warnings. */
export function planText({ name, app = {}, found, open, warnings }: AppProposal): string {
  const rows = leavesOf(app).map(([pointer, value]) => {
    const at = found.find((one) => one.pointer === pointer);
    const place = at?.file === undefined ? "" : ` (${at.file}${at.line === undefined ? "" : `:${at.line}`})`;
    return [placeInWords(pointer), value, at ? `${at.from}${place}` : ""];
  });
  const decisions = open.map((one) => {
    const mark = { missing: "✗", unclear: "?", optional: "+" }[one.kind];
    const options =
      one.kind === "unclear" && one.options.length > 0 ? ` Proposed: ${optionInWords(one.options[0] ?? "")}.` : "";
    const add = one.kind === "optional" ? one.options.map((option) => ` {${optionInWords(option)}}`).join("") : "";
    return `  ${mark} ${placeInWords(one.pointer)}: ${one.problem}${options}${add}\n`;
  });
  return [
    `${name}\n\n${textTable(["FIELD", "VALUE", "FOUND"], rows)}`,
    decisions.length > 0 ? `\nTo decide:\n${decisions.join("")}` : "",
    warnings.length > 0 ? `\nWarnings:\n${warnings.map((one) => `  ! ${one}\n`).join("")}` : "",
    "\n",
  ].join("");
}

/** Single values and lists of texts, with their pointers. */
function leavesOf(value: JsonValue, pointer = ""): readonly (readonly [pointer: string, value: string])[] {
  if (isJsonObject(value)) return Object.entries(value).flatMap(([key, one]) => leavesOf(one, `${pointer}/${key}`));
  if (!Array.isArray(value)) return [[pointer, String(value)]];
  const list: readonly JsonValue[] = value;
  if (list.every((one) => typeof one === "string")) return [[pointer, list.join(", ")]];
  return list.flatMap((one, at) => leavesOf(one, `${pointer}/${at}`));
}

/** A file for `gantry app apply`; what is to be decided stands in comments above each app. */
export function fileText(
  proposals: readonly (Pick<AppProposal, "name" | "open" | "warnings"> & { readonly app?: JsonObject | undefined })[],
): string {
  const document = new Document({
    apps: proposals.map(({ name, app }) => ({ name, ...app })),
  });
  const apps = document.get("apps");
  proposals.forEach(({ open, warnings }, at) => {
    const node = isSeq(apps) ? apps.items[at] : undefined;
    const lines = [
      ...open.map((one) => {
        const options = one.options.length > 0 ? ` (${one.options.map(optionInWords).join(" | ")})` : "";
        return ` ${one.kind}: ${placeInWords(one.pointer)}: ${one.problem}${options}`;
      }),
      ...warnings.map((one) => ` warning: ${one}`),
    ];
    if (isMap(node) && lines.length > 0) node.commentBefore = lines.map((line) => line.replace(/\s+/g, " ")).join("\n");
  });
  return document.toString({ lineWidth: 0 });
}
