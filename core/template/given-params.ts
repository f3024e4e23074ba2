// The values that somebody gives to the params of a template, each as `name=value`: read by its type, and completed with
// defaults. Pure.

import { checkSchema } from "../pipeline/json-schema.ts";
import { didYouMean } from "../suggest.ts";
import type { ParamValue, TemplateManifest, TemplateParam } from "./manifest.ts";

/** The values of all params, or what is wrong, as sentences. */
export function readGivenParams(
  { name, params }: Pick<TemplateManifest, "name" | "params">,
  given: readonly string[],
): { readonly values: Record<string, ParamValue> } | { readonly problems: readonly string[] } {
  const problems: string[] = [];
  const values = new Map<string, ParamValue>();
  for (const entry of given) {
    const at = entry.indexOf("=");
    const key = at < 0 ? entry : entry.slice(0, at);
    const param = Object.hasOwn(params, key) ? params[key] : undefined;
    if (at < 0) problems.push(`${JSON.stringify(entry)} must be like name=value`);
    else if (!param) problems.push(`the template ${name} has no param ${key}${didYouMean(key, Object.keys(params))}`);
    else if (values.has(key)) problems.push(`${key} is given twice`);
    else values.set(key, readValue(param, entry.slice(at + 1)));
  }
  for (const [key, param] of Object.entries(params)) {
    const value = values.get(key) ?? param.default;
    if (value === undefined) problems.push(`${key} is missing: write ${key}=…${about(param)}`);
    else {
      values.set(key, value);
      problems.push(...checkSchema(param, value).map(({ detail }) => `${key}: ${detail}`));
    }
  }
  return problems.length > 0 ? { problems } : { values: Object.fromEntries(values) };
}

/** A text that is no value of the type stays a text, which the schema then refuses. */
function readValue({ type }: TemplateParam, text: string): ParamValue {
  if (type === "boolean" && /^(true|false)$/.test(text)) return text === "true";
  const isNumber = type === "integer" || type === "number";
  return isNumber && /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}

function about({ title, description }: TemplateParam): string {
  const words = description ?? title;
  return words === undefined ? "" : ` (${words.replace(/\.$/, "")})`;
}
