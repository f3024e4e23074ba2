// Errors on the wire (RFC 9457): one shape out of every process, and back again with the same code at the reader.

import { ERRORS, type ErrorCode, explain, GantryError, type Problem } from "@gantry/core/errors.ts";
import { z } from "zod";

const jsonObject = z.record(z.string(), z.json());

/** RFC 9457, as every error is answered. */
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

/** The body of an error answer. Whatever is not a GantryError is a mistake of ours, and its text stays in the log. */
export function problemOf(error: unknown, requestId: string): ProblemBody {
  const known = error instanceof GantryError ? error : new GantryError("internal", { problem: "Unexpected." });
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

/** The error that a problem body speaks of, or undefined when it is not one of ours. */
export function errorOf(body: unknown): GantryError | undefined {
  const parsed = problemSchema.safeParse(body);
  if (!parsed.success || !isErrorCode(parsed.data.code)) return undefined;
  return new GantryError(parsed.data.code, parsed.data.details ?? {}, {
    problems: (parsed.data.errors ?? []).map(compact),
  });
}

/**
 * Parses what came from outside; throws `bad-request` with one problem per wrong place. `where` begins the pointers:
 * empty for a body, `/query` for a query.
 */
export function parse<T>(schema: z.ZodType<T>, value: unknown, where = ""): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = problemsOf(parsed.error, where);
  const first = problems[0];
  const problem = first ? `${first.pointer ? `${first.pointer}: ` : ""}${first.detail}` : "it does not fit the schema";
  throw new GantryError("bad-request", { problem }, { problems });
}

/** One problem per wrong place, with a JSON pointer; at most 50. */
export function problemsOf(error: z.ZodError, where = ""): readonly Problem[] {
  return error.issues
    .flatMap((issue): Problem[] => {
      const at = (path: readonly PropertyKey[]): string =>
        `${where}${path.map((part) => `/${escapePart(part)}`).join("")}`;
      if (issue.code === "unrecognized_keys") {
        return issue.keys.map((key) => ({ detail: "This field is not known.", pointer: at([...issue.path, key]) }));
      }
      return [{ detail: `${issue.message}.`, pointer: at(issue.path) }];
    })
    .slice(0, 50);
}

/** RFC 6901. */
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
