// gantry-template.yaml: what a template is, what it is for, and what it asks for. Everything that is wrong is reported at
// once, with file, line and field. Pure.

import { z } from "zod";
import type { Problem } from "../errors.ts";
import { describeIssues, type Path, withSubject } from "../issues.ts";
import { compilePattern } from "../pattern/pattern.ts";
import { paramShape } from "../pipeline/file.ts";
import { checkSchema } from "../pipeline/json-schema.ts";
import { placedProblem } from "../pipeline/placed-problem.ts";
import { plainValue, readSource, type Source } from "../pipeline/source.ts";
import { didYouMean } from "../suggest.ts";
import { newerVersion } from "./version.ts";

export const MANIFEST = "gantry-template.yaml";

/** `source`: for the repository of the source. `deploy`: for that of the yaml. */
export const TEMPLATE_KINDS = ["source", "deploy"] as const;
export type TemplateKind = (typeof TEMPLATE_KINDS)[number];

const NAME = /^[a-z0-9][a-z0-9-]{0,59}$/;
const name = z.string().regex(NAME, "must have lower case letters, digits and hyphens, at most 60");

const scalar = z.union([z.string(), z.number(), z.boolean()], "must be a text, a number, or true or false");

const templateParam = paramShape
  .omit({ required: true, items: true, properties: true, additionalProperties: true, secret: true, ui: true })
  .extend({ type: z.enum(["string", "integer", "number", "boolean"]), default: scalar.optional() });

const shape = z.strictObject({
  name,
  title: z.string().trim().min(1).max(100),
  /** For people who choose a template. */
  summary: z.string().trim().min(1).max(500).optional(),
  kind: z.enum(TEMPLATE_KINDS),
  /** Of a source template: the template of the yaml repository. */
  deploy: name.optional(),
  /** The oldest version of Gantry that can use it. */
  gantry: z
    .string("must be a version as text, such as 0.1.0")
    .regex(/^\d{1,6}\.\d{1,6}\.\d{1,6}$/, "must be a version such as 0.1.0")
    .optional(),
  /** What it asks for besides the parameters of create-app. Without a default, a value must be given. */
  params: z
    .record(
      z.string().regex(/^[a-z][A-Za-z0-9]{0,39}$/, "a name has letters and digits and begins in lower case"),
      templateParam,
    )
    .default({}),
});

export type ParamValue = z.output<typeof scalar>;
export type TemplateParam = z.output<typeof templateParam>;
export type TemplateManifest = z.output<typeof shape>;

export type ManifestOptions = {
  /** For the problems. */
  readonly file: string;
  /** The version of this Gantry. */
  readonly version: string;
  /** The name and the kind that the template must have; undefined: any. */
  readonly wanted?: { readonly name: string; readonly kind: TemplateKind };
};

export function readManifest(
  text: string,
  { file, version, wanted }: ManifestOptions,
): { readonly manifest: TemplateManifest } | { readonly problems: readonly Problem[] } {
  const { root, problems: found } = readSource(text);
  if (root === undefined || found.length > 0)
    return { problems: found.map(({ at, detail }) => ({ detail, file, line: at.line, column: at.column })) };
  const value = plainValue(root);
  const parsed = shape.safeParse(value);
  if (!parsed.success) {
    const issues = describeIssues(parsed.error.issues, value, { keysAt, whole: "the file" });
    return { problems: issues.map(({ path, detail, on }) => placedProblem({ root, file }, path, detail, on)) };
  }
  const problems = checkManifest(parsed.data, { root, file }, version, wanted);
  return problems.length > 0 ? { problems } : { manifest: parsed.data };
}

/** The template of the yaml repository that belongs to a source template. */
export function deployTemplateOf({ name, deploy }: Pick<TemplateManifest, "name" | "deploy">): string {
  return deploy ?? `${name}-deploy`;
}

function keysAt(path: Path): readonly string[] {
  if (path.length === 0) return Object.keys(shape.shape);
  return path[0] === "params" && path.length === 2 ? Object.keys(templateParam.shape) : [];
}

type Placed = { readonly root: Source; readonly file: string };

function checkManifest(
  { name, kind, deploy, gantry, params }: TemplateManifest,
  placed: Placed,
  version: string,
  wanted: ManifestOptions["wanted"],
): readonly Problem[] {
  const problems: Problem[] = [];
  const report = (path: Path, detail: string, on?: "key" | "value"): void => {
    problems.push(placedProblem(placed, path, detail, on));
  };
  if (wanted && name !== wanted.name)
    report(["name"], `name must be ${wanted.name}, like the repository${didYouMean(name, [wanted.name])}`);
  if (wanted && kind !== wanted.kind) report(["kind"], `kind must be ${wanted.kind} here, not ${kind}`);
  if (gantry !== undefined && newerVersion(gantry, version))
    report(["gantry"], `this template needs Gantry ${gantry} or later, and this runner has ${version}: update it`);
  if (kind === "deploy" && deploy !== undefined)
    report(["deploy"], "only a template of kind source names its deploy template", "key");
  // A deploy template gets the values that were given to its source template.
  if (kind === "deploy" && Object.keys(params).length > 0)
    report(["params"], "a deploy template asks for nothing: write the params into its source template", "key");
  for (const [key, param] of Object.entries(params))
    for (const { path, detail } of checkParam(param)) report(["params", key, ...path], withSubject(path, detail));
  return problems;
}

type Found = { readonly path: Path; readonly detail: string };

function checkParam({ default: preset, ...param }: TemplateParam): readonly Found[] {
  const { pattern, enum: choices = [] } = param;
  const compiled = pattern === undefined ? undefined : compilePattern(pattern);
  if (compiled && "problem" in compiled)
    return [{ path: ["pattern"], detail: `the pattern cannot be used: ${compiled.problem}` }];
  const { enum: _, ...limits } = param;
  return [
    ...choices.flatMap((choice, at) =>
      checkSchema(limits, choice).map(({ detail }) => ({ path: ["enum", at], detail })),
    ),
    ...(preset === undefined ? [] : checkSchema(param, preset).map(({ detail }) => ({ path: ["default"], detail }))),
  ];
}
