// The contexts of GitHub Actions, as names of Gantry's expressions.

import type { JsonObject } from "@gantry/core/json.ts";
import { member, quoted, Untranslatable } from "./expression.ts";
import type { Path } from "./foreign-file.ts";
import type { Upload } from "./github-artifacts.ts";
import { translate } from "./github-expression.ts";

/** Of a pull request, as text. */
const NUMBER = '(has(trigger.number) ? string(trigger.number) : "")';

/** What an import knows and collects. */
export type Importing = {
  readonly note: (path: Path, what: string) => void;
  readonly env: JsonObject;
  /** `defaults.run`. */
  readonly defaults: JsonObject;
  readonly site: string | undefined;
  /** Whether a tag starts it. */
  readonly hasTags: boolean;
  /** The name of the result. */
  readonly pipeline: string;
  /** Of the workflow. */
  readonly jobs: JsonObject;
  readonly uploads: readonly Upload[];
  /** The params of SOURCE_PARAMS that the result names. */
  readonly used: Set<string>;
};

export type NamesOptions = Pick<Importing, "env" | "used" | "pipeline" | "hasTags"> & {
  /** Steps before, by id → the id of the step in the result. */
  readonly steps: ReadonlyMap<string, string>;
  /** The step that has checked the source out, if there is one. */
  readonly checkout?: string;
  /** Axes of the matrix; what `include` adds to some combinations is not among them. */
  readonly axes?: readonly string[];
};

export type NameTable = {
  /** Throws Untranslatable. */
  readonly expression: (source: string) => string;
  /** A text with `${{ }}` in it. Throws Untranslatable. */
  readonly template: (text: string) => string;
  /** The expression for a variable that GitHub sets in scripts, such as GITHUB_SHA. Undefined: there is none. */
  readonly variable: (name: string) => string | undefined;
};

export function openNames(options: NamesOptions): NameTable {
  const param = (name: "ref" | "branch"): string => {
    options.used.add(name);
    return `params.${name}`;
  };
  const github: { readonly [name: string]: () => string } = {
    sha: () =>
      options.checkout === undefined ? param("ref") : `${member(["steps", options.checkout])}.outputs.commit`,
    ref_name: () => (options.hasTags ? `trigger.?tag.orValue(${param("branch")})` : param("branch")),
    ref_type: () => '(trigger.kind == "tag" ? "tag" : "branch")',
    head_ref: () => `(trigger.kind == "pull_request" ? ${param("branch")} : "")`,
    ref: () =>
      options.hasTags
        ? `(trigger.kind == "tag" ? "refs/tags/" + trigger.?tag.orValue("") : "refs/heads/" + ${param("branch")})`
        : `("refs/heads/" + ${param("branch")})`,
    base_ref: () => 'trigger.?target.orValue("")',
    event_name: () => "trigger.kind",
    repository: () => '(app.source.project + "/" + app.source.slug)',
    repository_owner: () => "app.source.project",
    actor: () => "task.requestedBy",
    run_id: () => "task.id",
    job: () => "task.id",
    workflow: () => quoted(options.pipeline),
    "event.pull_request.number": () => NUMBER,
    "event.number": () => NUMBER,
    "event.pull_request.title": () => 'trigger.?title.orValue("")',
    "event.pull_request.head.ref": () => 'trigger.?branch.orValue("")',
    "event.pull_request.head.sha": () => 'trigger.?commit.orValue("")',
    "event.pull_request.base.ref": () => 'trigger.?target.orValue("")',
    "event.head_commit.message": () => 'trigger.?subject.orValue("")',
    "event.head_commit.id": () => 'trigger.?commit.orValue("")',
  };
  const ofGithub = (rest: readonly string[]): string => {
    if (rest[0] === "token") return ofSecret(["GITHUB_TOKEN"]);
    if (rest[0] === "event" && rest[1] === "inputs") return member(["params", underscored(rest.slice(2).join("_"))]);
    const name = github[rest.join(".")];
    if (name === undefined) throw new Untranslatable(`\`github.${rest.join(".")}\` has no counterpart`);
    return name();
  };
  const of = ([context = "", ...rest]: readonly string[]): string => {
    const whole = [context, ...rest].join(".");
    switch (context) {
      case "github":
        return ofGithub(rest);
      case "matrix":
        return ofMatrix(rest, options.axes ?? []);
      case "inputs":
        return member(["params", ...rest.map(underscored)]);
      case "needs":
        return ofNeeds(rest);
      case "steps":
        return ofSteps(rest, options.steps);
      case "env":
        return ofEnv(rest, options.env);
      case "secrets":
        return ofSecret(rest);
      case "runner":
        if (rest[0] === "os") return '"Linux"';
        if (rest[0] === "arch") return '"X64"';
        break;
      case "job":
        if (rest[0] === "status") return "status";
        break;
    }
    throw new Untranslatable(`\`${whole}\` has no counterpart`);
  };
  const expression = (source: string): string => translate(source, { of });
  return {
    expression,
    template: (text) => text.replace(/\$\{\{(.*?)\}\}/gs, (_, inner: string) => inTemplate(expression(inner.trim()))),
    variable: (name) => {
      const known = github[name.replace(/^GITHUB_/, "").toLowerCase()];
      return name === "CI" ? '"true"' : name.startsWith("GITHUB_") ? known?.() : undefined;
    },
  };
}

/** A literal text stands for itself. */
function inTemplate(expression: string): string {
  const isText = /^"(?:[^"\\]|\\.)*"$/.test(expression);
  return isText ? String(JSON.parse(expression)).replaceAll("${{", "$${{") : `\${{ ${expression} }}`;
}

/** Only axes are in every combination. */
function ofMatrix(path: readonly string[], axes: readonly string[]): string {
  const names = path.map((name, depth) => (depth === 0 ? underscored(name) : name));
  if (names.length === 1 && axes.includes(path[0] ?? "")) return member(["each", ...names]);
  return orEmpty(["each", ...names.slice(0, -1)], names.at(-1) ?? "");
}

function ofNeeds([job = "", part, ...rest]: readonly string[]): string {
  if (part === "result") return `${member(["needs", job])}.outcome`;
  if (part === "outputs") return orEmpty(["needs", job, "outputs"], underscored(rest.join(".")));
  throw new Untranslatable(`\`needs.${job}.${part ?? ""}\` has no counterpart`);
}

function ofSteps([id = "", part, ...rest]: readonly string[], steps: ReadonlyMap<string, string>): string {
  const known = steps.get(id);
  if (known === undefined) throw new Untranslatable(`\`steps.${id}\` is not carried over, or comes later`);
  if (part === "outcome" || part === "conclusion") return `${member(["steps", known])}.outcome`;
  if (part === "outputs" && rest[0] === "cache-hit") return ofCacheHit(orEmpty(["steps", known, "outputs"], "hit"));
  if (part === "outputs") return orEmpty(["steps", known, "outputs"], rest.join("."));
  throw new Untranslatable(`\`steps.${id}.${part ?? ""}\` has no counterpart`);
}

function ofCacheHit(hit: string): string {
  return `(${hit} == "exact" ? "true" : ${hit} == "older" ? "false" : "")`;
}

/** Variables are known when the file is read, unless a script sets them. */
function ofEnv([name = ""]: readonly string[], env: JsonObject): string {
  const value = env[name];
  if (value === undefined) throw new Untranslatable(`\`env.${name}\` is not set in the file: use an output of a step`);
  const text = String(value);
  const whole = /^\$\{\{(.*)\}\}$/s.exec(text);
  if (text.includes("${{") && !whole) throw new Untranslatable(`\`env.${name}\` has an expression inside a text`);
  if (whole) throw new Untranslatable(`\`env.${name}\` has an expression: write it here instead`);
  return quoted(text);
}

function ofSecret([name = ""]: readonly string[]): string {
  if (name.toUpperCase() === "GITHUB_TOKEN")
    throw new Untranslatable("the token of GitHub Actions has no counterpart: steps use the account of the site");
  return `secrets.${name}`;
}

/** What is missing is an empty text in GitHub Actions, and an error here. */
function orEmpty(path: readonly string[], name: string): string {
  const isPlain = /^[A-Za-z_]\w*$/.test(name);
  return `${member(path)}${isPlain ? `.?${name}` : `[?${quoted(name)}]`}.orValue("")`;
}

/** Names of params and of outputs of jobs have no hyphens. */
export function underscored(name: string): string {
  return name.replaceAll("-", "_");
}
