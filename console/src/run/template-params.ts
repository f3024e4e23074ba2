// What a template asks for, as fields of the form of create-app. Their values are sent as texts `name=value`. Pure.

import type { TemplatesView } from "@gantry/wire/agent/templates.ts";
import { type Entries, type Field, fieldsOf, firstEntries } from "./form.ts";

type Template = NonNullable<TemplatesView["read"]>["templates"][number];

/** From which apps can be created. */
export function usableTemplates(view: TemplatesView | undefined): readonly Template[] {
  return (view?.read?.templates ?? []).filter(
    (one) => one.kind === "source" && one.state !== "missing" && one.problem === undefined,
  );
}

/** The fields of a template, named so that they differ from those of create-app. */
export function templateFields({ params }: Pick<Template, "params">): readonly Field[] {
  const names = Object.keys(params);
  const required = names.filter((name) => {
    const param = params[name];
    return typeof param !== "object" || param === null || !("default" in param);
  });
  const choices = (field: Field): readonly string[] => {
    const param = params[field.name];
    const isMap = typeof param === "object" && param !== null && !Array.isArray(param);
    const all = isMap && Array.isArray(param.enum) ? param.enum : [];
    return all.map(String);
  };
  return fieldsOf({ properties: params, required }).map((field) => {
    const all = choices(field);
    return { ...field, ...(all.length > 0 ? { kind: "choice" as const, choices: all } : {}) };
  });
}

/** The values of the inputs: what was given, else the defaults. */
export function templateEntries(fields: readonly Field[], given: readonly string[]): Entries {
  const own = given.map((one): [string, string] => {
    const at = one.indexOf("=");
    return [one.slice(0, at), one.slice(at + 1)];
  });
  return {
    ...firstEntries(fields),
    ...Object.fromEntries(own.filter(([name]) => fields.some((one) => one.name === name))),
  };
}

/** What to send after one input has changed. What is empty or the default is left out. */
export function withEntry(
  fields: readonly Field[],
  given: readonly string[],
  name: string,
  value: string,
): readonly string[] {
  const first = firstEntries(fields);
  const entries = { ...templateEntries(fields, given), [name]: value };
  return fields.flatMap((field) => {
    const entry = entries[field.name];
    return typeof entry !== "string" || entry === "" || entry === first[field.name] ? [] : [`${field.name}=${entry}`];
  });
}
