// Checks a value against the subset of JSON Schema that zod generates for steps and that parameters of pipeline files use.
// Other keywords (formats, conditions) are ignored: the runner parses the value with the real schema.

import { counted } from "../count.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../json.ts";
import { compilePattern } from "../pattern/pattern.ts";
import { patternInWords } from "../pattern/pattern-words.ts";
import { didYouMean } from "../suggest.ts";

export type SchemaProblem = {
  readonly path: readonly (string | number)[];
  readonly detail: string;
  /** The member that the value at `path` lacks. */
  readonly missing?: string;
};

export type CheckOptions = {
  /** Values that are not known yet, such as expressions. They match every schema that allows one of their types. */
  readonly unknown?: (value: JsonValue) => boolean;
  /** The types that an unknown value may have; undefined when it may be anything. */
  readonly typesOf?: (value: JsonValue) => readonly string[] | undefined;
  /** For several checks of one file; by default each check has its own. */
  readonly budget?: PatternBudget;
};

/** What comparing texts with patterns may cost together, in steps of the pattern engine. Less than 0.1 s. */
export type PatternBudget = { left: number };
export function patternBudget(): PatternBudget {
  return { left: 5_000_000 };
}

const MAX_PROBLEMS = 50;
const MAX_DEPTH = 128;

/** Everything that does not fit, at most 50 places; an empty list when the value fits. */
export function checkSchema(schema: object, value: JsonValue, options: CheckOptions = {}): readonly SchemaProblem[] {
  // Types of schemas, such as ParamSchema, have no index signature.
  const root = schema as JsonObject;
  const problems = check(root, value, {
    root,
    unknown: options.unknown ?? (() => false),
    typesOf: options.typesOf ?? (() => undefined),
    budget: options.budget ?? patternBudget(),
    path: [],
    depth: 0,
  });
  return problems.slice(0, MAX_PROBLEMS);
}

type Context = {
  readonly root: JsonObject;
  readonly unknown: (value: JsonValue) => boolean;
  readonly typesOf: (value: JsonValue) => readonly string[] | undefined;
  readonly budget: PatternBudget;
  readonly path: readonly (string | number)[];
  /** Members and references followed so far. Limited, because a schema may refer only to itself. */
  readonly depth: number;
};

function check(schema: JsonValue | undefined, value: JsonValue, context: Context): SchemaProblem[] {
  if (schema === false) return [problem(context, "nothing is allowed here")];
  if (!isJsonObject(schema)) return [];
  if (context.depth > MAX_DEPTH) return [problem(context, `it is nested deeper than ${MAX_DEPTH}`)];
  const { $ref } = schema;
  if (typeof $ref === "string") {
    return check(resolve(context.root, $ref), value, { ...context, depth: context.depth + 1 });
  }
  if (context.unknown(value)) return checkUnknown(schema, value, context);
  const wrong = checkType(schema, value) ?? checkChoice(schema, value);
  if (wrong !== undefined) return [problem(context, wrong)];
  return [
    ...checkAlternatives(schema, value, context),
    ...(typeof value === "string" ? checkText(schema, value, context).map((detail) => problem(context, detail)) : []),
    ...(typeof value === "number" ? checkNumber(schema, value).map((detail) => problem(context, detail)) : []),
    ...(isList(value) ? checkList(schema, value, context) : []),
    ...(isJsonObject(value) ? checkObject(schema, value, context) : []),
  ];
}

/** Only the type of such a value may be known. */
function checkUnknown(schema: JsonObject, value: JsonValue, context: Context): SchemaProblem[] {
  const possible = context.typesOf(value);
  if (possible === undefined) return [];
  const allowed = typesIn(schema);
  const fits = possible.some((one) => allowed.includes(one) || (one === "integer" && allowed.includes("number")));
  if (allowed.length > 0 && !fits)
    return [
      problem(context, `it must be ${allowed.map(article).join(" or ")}, and this gives ${article(possible[0] ?? "")}`),
    ];
  return checkAlternatives(schema, value, context);
}

function typesIn({ type }: JsonObject): readonly string[] {
  return typeof type === "string" ? [type] : isList(type) ? type.filter((one) => typeof one === "string") : [];
}

function checkType(schema: JsonObject, value: JsonValue): string | undefined {
  const types = typesIn(schema);
  if (types.length === 0 || types.some((one) => hasType(one, value))) return undefined;
  const isFraction = typeof value === "number" && types.includes("integer");
  return `it must be ${types.map(article).join(" or ")}, not ${isFraction ? "a fraction" : article(typeOf(value))}`;
}

function checkChoice(schema: JsonObject, value: JsonValue): string | undefined {
  if (schema.const !== undefined && !same(schema.const, value)) return `it must be ${show(schema.const)}`;
  const choices = schema.enum;
  if (!isList(choices) || choices.some((one) => same(one, value))) return undefined;
  const known = choices.filter((one) => typeof one === "string");
  const hint = typeof value === "string" ? didYouMean(value, known) : "";
  return `it must be one of ${choices.slice(0, 20).map(show).join(", ")}${hint}`;
}

function checkAlternatives(schema: JsonObject, value: JsonValue, context: Context): SchemaProblem[] {
  const all = isList(schema.allOf) ? schema.allOf.flatMap((one) => check(one, value, context)) : [];
  const options = isList(schema.anyOf) ? schema.anyOf : isList(schema.oneOf) ? schema.oneOf : undefined;
  if (options === undefined) return all;
  const answers = options.map((one) => check(one, value, context));
  if (answers.some((answer) => answer.length === 0)) return all;
  // The alternative whose problems reach deepest is probably the one that was meant.
  const [best] = answers.toSorted((a, b) => deepest(b) - deepest(a) || a.length - b.length);
  const details = [...new Set(answers.flatMap((answer) => answer.map((one) => one.detail)))];
  if (best !== undefined && deepest(best) > context.path.length) return [...all, ...best];
  return [...all, problem(context, details.slice(0, 4).join(", or "))];
}

function checkText(schema: JsonObject, value: string, { budget }: Context): string[] {
  const length = [...value].length;
  const { minLength, maxLength, pattern } = schema;
  if (typeof minLength === "number" && length < minLength)
    return [`it must have at least ${counted(minLength, "character")}`];
  if (typeof maxLength === "number" && length > maxLength)
    return [`it must have at most ${counted(maxLength, "character")}`];
  if (typeof pattern !== "string") return [];
  const compiled = compiledOnce(pattern, budget);
  if ("problem" in compiled) return [];
  budget.left -= compiled.work(value);
  if (budget.left < 0) return ["there is too much text to compare it with `pattern`; give less, or set `maxLength`"];
  if (compiled.test(value)) return [];
  const words = patternInWords(pattern);
  if (words !== undefined) return [`it must be ${words}`];
  const { description } = schema;
  const meaning = typeof description === "string" ? `, which means: ${description.replace(/\.$/, "")}` : "";
  return [`it must match the regular expression ${pattern}${meaning}`];
}

/** Of one budget: a choice of 500 has the same pattern 500 times. */
const compiledBy = new WeakMap<PatternBudget, Map<string, ReturnType<typeof compilePattern>>>();

function compiledOnce(pattern: string, budget: PatternBudget): ReturnType<typeof compilePattern> {
  const known = compiledBy.get(budget) ?? new Map<string, ReturnType<typeof compilePattern>>();
  compiledBy.set(budget, known);
  const found = known.get(pattern) ?? compilePattern(pattern);
  known.set(pattern, found);
  return found;
}

function checkNumber(schema: JsonObject, value: number): string[] {
  // Whoever wrote it may have written other digits: JSON and YAML are read with the nearest number.
  if (schema.type === "integer" && !Number.isSafeInteger(value))
    return ["it must be between -9007199254740991 and 9007199254740991; the last digits of a larger one would be lost"];
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = schema;
  if (typeof minimum === "number" && value < minimum) return [`it must be at least ${minimum}`];
  if (typeof maximum === "number" && value > maximum) return [`it must be at most ${maximum}`];
  if (typeof exclusiveMinimum === "number" && value <= exclusiveMinimum)
    return [`it must be more than ${exclusiveMinimum}`];
  if (typeof exclusiveMaximum === "number" && value >= exclusiveMaximum)
    return [`it must be less than ${exclusiveMaximum}`];
  return [];
}

function checkList(schema: JsonObject, value: readonly JsonValue[], context: Context): SchemaProblem[] {
  const { minItems, maxItems, items, prefixItems } = schema;
  if (typeof minItems === "number" && value.length < minItems) {
    return [
      problem(
        context,
        minItems === 1 ? "it must not be empty" : `it must have at least ${counted(minItems, "element")}`,
      ),
    ];
  }
  if (typeof maxItems === "number" && value.length > maxItems) {
    return [problem(context, `it must have at most ${counted(maxItems, "element")}`)];
  }
  const first = isList(prefixItems) ? prefixItems : [];
  return value.flatMap((item, index) => check(first[index] ?? items, item, below(context, index)));
}

function checkObject(schema: JsonObject, value: JsonObject, context: Context): SchemaProblem[] {
  const properties = isJsonObject(schema.properties) ? schema.properties : {};
  const required = isList(schema.required) ? schema.required : [];
  const missing = required.filter((name) => typeof name === "string").filter((name) => !Object.hasOwn(value, name));
  return [
    ...missing.map((name) => ({ path: context.path, detail: `${name} is missing`, missing: name })),
    ...Object.entries(value).flatMap(([name, inner]) => {
      const at = below(context, name);
      if (Object.hasOwn(properties, name)) return check(properties[name], inner, at);
      if (schema.additionalProperties === false) {
        return [problem(at, `${name} is not known${didYouMean(name, Object.keys(properties))}`)];
      }
      const key = check(schema.propertyNames, name, at);
      return [...key, ...check(schema.additionalProperties, inner, at)];
    }),
  ];
}

/** `#`, `#/$defs/name`: only places in the schema itself. */
export function resolve(root: JsonObject, ref: string): JsonValue | undefined {
  if (!ref.startsWith("#")) return undefined;
  let at: JsonValue | undefined = root;
  for (const part of ref.split("/").slice(1)) {
    const name = part.replaceAll("~1", "/").replaceAll("~0", "~");
    at = isJsonObject(at) && Object.hasOwn(at, name) ? at[name] : undefined;
  }
  return at;
}

function problem(context: Context, detail: string): SchemaProblem {
  return { path: context.path, detail };
}

function below(context: Context, step: string | number): Context {
  return { ...context, path: [...context.path, step], depth: context.depth + 1 };
}

function deepest(problems: readonly SchemaProblem[]): number {
  return Math.max(0, ...problems.map((one) => one.path.length));
}

function hasType(type: string, value: JsonValue): boolean {
  if (type === "integer") return Number.isInteger(value);
  return type === typeOf(value) || (type === "number" && typeof value === "number");
}

function typeOf(value: JsonValue): string {
  if (value === null) return "null";
  return isList(value) ? "array" : typeof value;
}

const ARTICLES: { readonly [type: string]: string } = {
  string: "text",
  boolean: "true or false",
  integer: "a whole number",
  number: "a number",
  array: "a list",
  object: "a map",
  null: "empty",
};

function article(type: string): string {
  return ARTICLES[type] ?? type;
}

function show(value: JsonValue): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function same(a: JsonValue, b: JsonValue): boolean {
  return a === b || (typeof a === "object" && JSON.stringify(a) === JSON.stringify(b));
}

function isList(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}
