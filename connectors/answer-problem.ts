// What is wrong with the data of an outside system, in words: never with its values, which may be secrets.

import { issueInWords } from "@gantry/core/issue-words.ts";
import { z } from "zod";

/** The first five problems: "config must be a map; layers must be a list". */
export function answerProblem({ issues }: z.core.$ZodError): string {
  return issues
    .slice(0, 5)
    .map((issue) => `${issue.path.join(".") || "the answer"} ${issueInWords(issue)}`)
    .join("; ");
}

/** Data of the form of `schema`, or what is wrong with it. The text itself is not quoted. */
export function readJson<T>(
  schema: z.core.$ZodType<T>,
  text: string,
): { readonly data: T } | { readonly problem: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { problem: "it is not JSON" };
  }
  const parsed = z.safeParse(schema, value);
  return parsed.success ? { data: parsed.data } : { problem: answerProblem(parsed.error) };
}

export function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
