// Errors on the wire (RFC 9457): every process answers the same shape, and its clients get the same error code back.

import { ERRORS, type ErrorCode, explain, GantryError, type Problem } from "@gantry/core/errors.ts";
import { describeIssues, placeAround } from "@gantry/core/issues.ts";
import { z } from "zod";

const jsonObject = z.record(z.string(), z.json());

/** The body of every error answer (RFC 9457). */
export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    todo: z.string(),
    code: z.string(),
    requestId: z.string(),
    details: jsonObject.optional().describe("The values in the sentences, by name"),
    errors: z
      .array(
        z.object({
          detail: z.string(),
          pointer: z.string().optional(),
          file: z.string().optional(),
          line: z.int().optional(),
          column: z.int().optional(),
        }),
      )
      .optional(),
  })
  .meta({ id: "Problem" });
export type ProblemBody = z.infer<typeof problemSchema>;

export const PROBLEM_TYPE = "application/problem+json";

/** The body for an error. An error that is not a GantryError is a bug: its text stays in the log. */
export function problemOf(error: unknown, requestId: string): ProblemBody {
  const known =
    error instanceof GantryError ? error : new GantryError("internal", { problem: "An unexpected error occurred." });
  const { code, message, why, todo } = explain(known);
  return {
    type: `/docs#error-${code}`,
    title: message,
    status: known.entry.status,
    detail: why,
    todo,
    code,
    requestId,
    ...(Object.keys(known.details).length > 0 ? { details: known.details as NonNullable<ProblemBody["details"]> } : {}),
    ...(known.problems.length > 0 ? { errors: known.problems.map((problem) => ({ ...problem })) } : {}),
  };
}

/** The error that a problem body describes; undefined if it is not an error of Gantry. */
export function errorOf(body: unknown): GantryError | undefined {
  const parsed = problemSchema.safeParse(body);
  if (!parsed.success || !isErrorCode(parsed.data.code)) return undefined;
  return new GantryError(parsed.data.code, parsed.data.details ?? {}, {
    problems: (parsed.data.errors ?? []).map(compact),
  });
}

/**
 * Validates input; throws `bad-request` with one problem per invalid place. `where` is the prefix of the JSON pointers:
 * empty for a body, `/query` for a query.
 */
export function parse<T>(schema: z.core.$ZodType<T>, value: unknown, where = ""): T {
  const parsed = z.safeParse(schema, value);
  if (parsed.success) return parsed.data;
  const problems = problemsOf(parsed.error, value, where, where === "" ? "the body" : "the query");
  throw new GantryError("bad-request", { problem: problemsInWords(problems.slice(0, 1)) }, { problems });
}

/** One problem per invalid place in `value`, with a JSON pointer; at most 50. */
export function problemsOf(error: z.ZodError, value: unknown, where = "", whole = "the value"): readonly Problem[] {
  return describeIssues(error.issues, value, { whole })
    .slice(0, 50)
    .map(({ path, detail }) => ({
      detail: `${detail}.`,
      pointer: `${where}${path.map((part) => `/${escapePart(part)}`).join("")}`,
    }));
}

/** The problems as the rest of a sentence: "agent: url is missing; port must be a whole number". */
export function problemsInWords(problems: readonly Problem[]): string {
  return problems
    .map(({ pointer = "", detail }) => {
      const path = pointer.split("/").slice(1);
      const around = placeAround(path.map((part) => (/^\d+$/.test(part) ? Number(part) : part)));
      return `${around === "" ? "" : `${around}: `}${detail.replace(/\.$/, "")}`;
    })
    .join("; ");
}

/** Escapes a part of a JSON pointer (RFC 6901). */
function escapePart(part: PropertyKey): string {
  return String(part).slice(0, 100).replaceAll("~", "~0").replaceAll("/", "~1");
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERRORS, code);
}

/** Without keys whose value is undefined. */
function compact(problem: { [K in keyof Problem]: Problem[K] | undefined } & { detail: string }): Problem {
  const { detail, pointer, file, line, column } = problem;
  return {
    detail,
    ...(pointer === undefined ? {} : { pointer }),
    ...(file === undefined ? {} : { file }),
    ...(line === undefined ? {} : { line }),
    ...(column === undefined ? {} : { column }),
  };
}
