// Reads the file of a template. Pure.

import { describeIssues, type Path } from "../../issues.ts";
import type { PipelineFile } from "../file.ts";
import { type Place, placeAt, plainValue, readSource, type Source, type SourceProblem, sourceAt } from "../source.ts";
import { templateParamShape, templateShape } from "./include-shape.ts";

export type Template = {
  /** In the set of definitions. */
  readonly path: string;
  readonly params: NonNullable<PipelineFile["params"]>;
  /** One of them is there. */
  readonly job?: Source;
  readonly steps?: Source;
  readonly placeOf: (offset: number) => Place;
};

/** Every mistake that the file has by itself. What its job or its steps say is checked where it is included. */
export function readTemplate(
  path: string,
  text: string,
): { readonly template?: Template; readonly problems: readonly SourceProblem[] } {
  const { root, problems, placeOf } = readSource(text);
  if (root === undefined || problems.length > 0) return { problems };
  const value = plainValue(root);
  const parsed = templateShape.safeParse(value);
  if (!parsed.success) {
    const found = describeIssues(parsed.error.issues, value, { keysAt, whole: "the template" });
    return { problems: found.map((one) => ({ at: placeAt(root, one.path, one.on), detail: one.detail })) };
  }
  const { params = {} } = parsed.data;
  const open = Object.entries(params).filter(
    ([, param]) => typeof param !== "string" && param.required !== true && param.default === undefined,
  );
  if (open.length > 0)
    return {
      problems: open.map(([name]) => ({
        at: placeAt(root, ["params", name], "key"),
        detail: `the param ${name} of a template needs \`required: true\` or a default: it always has a value`,
      })),
    };
  const job = sourceAt(root, ["job"]);
  const steps = sourceAt(root, ["steps"]);
  return { template: { path, params, placeOf, ...(job ? { job } : {}), ...(steps ? { steps } : {}) }, problems: [] };
}

function keysAt(path: Path): readonly string[] {
  if (path.length === 0) return Object.keys(templateShape.shape);
  return path[0] === "params" ? Object.keys(templateParamShape.shape) : [];
}
