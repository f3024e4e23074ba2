// Reads the error text from the error bodies of all systems, whatever their shape.

import { isJsonObject } from "@gantry/core/json.ts";
import { truncate } from "@gantry/core/truncate.ts";

const LIMIT = 600;

/**
 * One short text from an error body; empty when it says nothing. It knows the formats of the systems that Gantry calls:
 * `{message}`, `{error: text | {message}}`, `{errors: [{message | msg}]}`, `{errorMessages, errors: {field: text}}`,
 * `{message | error: {field: [text]}}`, `[{id, message}]` and plain text.
 */
export function problemOf(body: unknown): string {
  const text = [...new Set(textsOf(body))].join("; ").replace(/\s+/g, " ").trim();
  return truncate(text, LIMIT);
}

function textsOf(body: unknown): string[] {
  if (typeof body === "string") return body === "" ? [] : [body];
  if (Array.isArray(body)) return body.slice(0, 10).flatMap(textsOf);
  if (!isJsonObject(body)) return [];
  const { message, msg, error, error_description, errors, errorMessages, detail, reason } = body;
  const direct = [message, msg, detail, error_description, error, reason].flatMap(textsOrFieldsOf);
  return [...direct, ...textsOf(errorMessages), ...(isJsonObject(errors) ? fieldsOf(errors) : textsOf(errors))];
}

/** GitLab and Gitee name the fields of the request in place of a text. */
function textsOrFieldsOf(value: unknown): string[] {
  const texts = textsOf(value);
  return texts.length === 0 && isJsonObject(value) ? fieldsOf(value) : texts;
}

function fieldsOf(errors: { readonly [field: string]: unknown }): string[] {
  return Object.entries(errors)
    .slice(0, 10)
    .flatMap(([field, value]) => textsOf(value).map((text) => `${field}: ${text}`));
}
