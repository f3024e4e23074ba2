// A second check of an expression, with the types that a pipeline declares: params, and variables that are always text.
// CEL's own check treats these as values of any type, so `params.count.join(",")` would fail only at run time.

import type { Environment } from "@marcbachmann/cel-js";
import { factType } from "../trigger/facts.ts";
import { celProblem } from "./cel-problem.ts";
import { makeEnvironment } from "./environment.ts";
import { checkExpression, type ExpressionProblem } from "./expression.ts";
import type { Reference } from "./references.ts";

/**
 * CEL types of variables and their members by path, as `params.size` and `needs.build.outputs.count`, or `number`. Those that are
 * missing may have any type.
 */
export type KnownTypes = ReadonlyMap<string, string>;
/** The type of a member that is inferred: `steps.<id>.outputs.<name>`, `needs.<job>.approval.inputs.<name>` and so on. */
export type MemberType = (reference: Reference) => KnownType | undefined;
/** `parts`: how many members belong to it; what follows is a member of its value. */
export type KnownType = { readonly type: string; readonly parts: number };

/** Expressions that CEL's check refuses although they may be valid at run time. */
const RUNS: readonly RegExp[] = [
  // A whole number equals a fraction of the same value.
  /^`[!=]=` cannot be used with a (fraction and a whole number|whole number and a fraction)/,
  // A list may hold elements of several types.
  /^`\+` cannot be used with a list and a list/,
  // A guard against a missing value. For a value that always exists it is redundant, not wrong.
  /^`[!=]=` cannot be used with (.* and null|null and )/,
];

const TASK_TEXTS: ReadonlySet<string> = new Set(["id", "url", "requestedBy", "pipeline"]);

/** Variables that are text. The rules of references report their members. */
const TEXTS: ReadonlySet<string> = new Set(["site", "status"]);
/** Variables that have members, and are no value of their own. */
const MAPS: ReadonlySet<string> = new Set(["params", "app", "task", "trigger", "needs", "jobs", "steps", "secrets"]);

export type Typing = {
  /** Finds nothing where `checkExpression` has found a problem. */
  readonly problemIn: (source: string) => ExpressionProblem | undefined;
  /** What an expression gives, as CEL calls it; `dyn` when only the values decide. */
  readonly typeOf: (source: string) => string;
};

export function typing(known: KnownTypes, members: MemberType = () => undefined): Typing {
  // A `number` is a whole number or a fraction, which CEL tells apart: only what fits neither is wrong.
  const kinds = (["int", "double"] as const).map((number) => oneTyping({ known, members }, number));
  const isTwofold = (source: string): boolean => {
    const expression = checkExpression(source);
    if ("problem" in expression) return true;
    const named = expression.references.flatMap((reference) => {
      const found = declared(reference, known);
      return found?.type === "number"
        ? [`${reference.variable}.${reference.path.slice(0, found.parts).join(".")}`]
        : [];
    });
    return new Set(named).size > 1;
  };
  return {
    problemIn: (source) => {
      if (isTwofold(source)) return oneTyping({ known: new Map(), members }, "int")(source).problem;
      const problems = kinds.map((kind) => kind(source).problem);
      return problems.some((problem) => problem === undefined) ? undefined : problems.at(-1);
    },
    typeOf: (source) => {
      const [first = "dyn", second] = isTwofold(source) ? [] : kinds.map((kind) => kind(source).type);
      return first === second ? first : "dyn";
    },
  };
}

type Verdict = { readonly type: string; readonly problem?: ExpressionProblem };

type Types = { readonly known: KnownTypes; readonly members: MemberType };

function oneTyping(types: Types, number: "int" | "double"): (source: string) => Verdict {
  const environment = makeEnvironment({ site: "string", status: "string" });
  const registered = new Map<string, string>();
  return (source) => {
    const expression = checkExpression(source);
    if ("problem" in expression) return { type: "dyn" };
    let typed = source;
    for (const reference of expression.references) {
      const found = knownType(reference, types);
      const type = found?.type.replace(/^number$/, number);
      const written = found && writtenAt(source, reference, found.parts);
      if (type === undefined || written === undefined) continue;
      // A variable of its own, with a name of the same length, so that offsets stay right.
      const name = /^\w+$/.test(written) ? written.toUpperCase() : written.replaceAll(/\W/g, "_");
      if (!register(environment, registered, name, type)) continue;
      typed = typed.slice(0, reference.offset) + name + typed.slice(reference.offset + name.length);
    }
    const verdict = environment.check(typed);
    if (verdict.valid) return { type: String(verdict.type ?? "dyn") };
    const summary = verdict.error?.summary ?? "";
    const problem = celProblem(summary, { node: verdict.error?.node });
    // Both branches of a choice may have types of their own when it runs, and the elements of `[]` have none.
    if (/ternary branches/i.test(summary) || /\bundefined\b/.test(problem)) return { type: "dyn" };
    if (/^cannot index/i.test(summary)) {
      const op = verdict.error?.node?.op;
      const isReported = expression.references.some(({ variable, path }) => TEXTS.has(variable) && path.length > 0);
      // With `.?` and `[?…]` a value without members just has none.
      if (isReported || op === ".?" || op === "[?]" || !/no members/.test(problem)) return { type: "dyn" };
    }
    if (RUNS.some((pattern) => pattern.test(problem))) return { type: "dyn" };
    return { type: "dyn", problem: { problem, offset: verdict.error?.range?.start ?? 0 } };
  };
}

function knownType(reference: Reference, { known, members }: Types): KnownType | undefined {
  const inferred = members(reference);
  return (
    declared(reference, known) ??
    fixedType(reference) ??
    (inferred && reference.certain >= inferred.parts ? inferred : undefined)
  );
}

/** Of the longest path whose type is declared. Members behind it have any type. */
function declared({ variable, path, certain }: Reference, types: KnownTypes): KnownType | undefined {
  for (let parts = Math.min(path.length, certain); parts > 0; parts -= 1) {
    const type = types.get([variable, ...path.slice(0, parts)].join("."));
    if (type !== undefined) return { type, parts };
  }
  return undefined;
}

/** What has the same type in every pipeline. */
function fixedType({ variable, path, certain }: Reference): KnownType | undefined {
  const [name = "", member] = path;
  if (path.length === 0) return MAPS.has(variable) ? { type: "map", parts: 0 } : undefined;
  const isOfJob = ["needs", "jobs", "steps"].includes(variable);
  if (isOfJob && certain === path.length && (path.length === 1 || (path.length === 2 && member === "outputs")))
    return { type: "map", parts: path.length };
  if (variable === "task" && certain >= 1 && TASK_TEXTS.has(name)) return { type: "string", parts: 1 };
  const fact = variable === "trigger" && certain >= 1 ? factType(name) : undefined;
  if (fact !== undefined) return { type: fact, parts: 1 };
  if (variable === "app" && certain >= 1 && name === "name") return { type: "string", parts: 1 };
  return isOfJob && member === "outcome" && certain >= 2 ? { type: "string", parts: 2 } : undefined;
}

/**
 * `params.name`, `task.id`, `needs["a-job"].outcome`, without the members behind it. Undefined when it is written with spaces
 * or in another way.
 */
function writtenAt(source: string, { variable, path, offset }: Reference, parts: number): string | undefined {
  let end = offset + variable.length;
  if (!source.startsWith(variable, offset)) return undefined;
  for (const name of path.slice(0, parts)) {
    const member = [`.${name}`, `["${name}"]`, `['${name}']`].find((one) => source.startsWith(one, end));
    if (member === undefined) return undefined;
    end += member.length;
  }
  return /^\w/.test(source.slice(end)) ? undefined : source.slice(offset, end);
}

function register(environment: Environment, known: Map<string, string>, name: string, type: string): boolean {
  const before = known.get(name);
  if (before !== undefined) return before === type;
  known.set(name, type);
  environment.registerVariable(name, type);
  return true;
}
