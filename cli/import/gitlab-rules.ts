// When a job of GitLab CI runs, and the variables that GitLab sets.

import { isJsonObject, type JsonObject, type JsonValue } from "@gantry/core/json.ts";
import { quoted, Untranslatable, variablesIn } from "./expression.ts";
import type { Path } from "./foreign-file.ts";
import { listOf, textsOf } from "./target.ts";

const VARIABLES: { readonly [name: string]: string } = {
  CI: '"true"',
  CI_COMMIT_SHA: "params.ref",
  CI_COMMIT_REF_NAME: "params.branch",
  CI_COMMIT_BRANCH: "params.branch",
  CI_COMMIT_SHORT_SHA: "short(params.ref)",
  CI_DEFAULT_BRANCH: "app.source.branch",
  CI_PROJECT_NAME: "app.source.slug",
  CI_PROJECT_PATH: 'app.source.project + "/" + app.source.slug',
  CI_PIPELINE_ID: "task.id",
  CI_PIPELINE_URL: "task.url",
  CI_PIPELINE_SOURCE: "trigger.kind",
  CI_PROJECT_DIR: '"."',
  GITLAB_USER_LOGIN: "task.requestedBy",
};

/** The words of `CI_PIPELINE_SOURCE` and `only` → our kinds of triggers. */
const SOURCES: { readonly [source: string]: string } = {
  push: "push",
  merge_request_event: "pull_request",
  merge_requests: "pull_request",
  schedule: "schedule",
  schedules: "schedule",
  web: "person",
  api: "person",
};

/** Those that a script names. */
export function gitlabVariables(script: string): JsonObject {
  return variablesIn(script, /\b(?:CI|GITLAB)_[A-Z_]+\b/g, (name) => VARIABLES[name]);
}

type When = { readonly when: string | undefined; readonly isManual: boolean };

export function conditionOf(
  job: JsonObject,
  name: string,
  variables: JsonObject,
  note: (path: Path, what: string) => void,
): When {
  const words = new Set<JsonValue | undefined>([job.when]);
  let condition: string | undefined;
  try {
    if (job.rules !== undefined) condition = ofRules(job.rules, variables, words);
    else if (job.only !== undefined || job.except !== undefined) condition = ofOnly(job.only, job.except);
  } catch (error) {
    if (!(error instanceof Untranslatable)) throw error;
    note([name, job.rules === undefined ? "only" : "rules"], `${error.message}. The job is never run`);
    condition = "1 == 2";
  }
  const isManual = words.has("manual");
  if (words.has("always"))
    return { when: condition === undefined ? "always" : `(${condition}) && status != "canceled"`, isManual };
  if (words.has("on_failure"))
    return { when: condition === undefined ? 'status == "failed"' : `(${condition}) && status == "failed"`, isManual };
  if (words.has("delayed")) note([name, "when"], "`when: delayed` has no counterpart: the job starts at once");
  return { when: condition, isManual };
}

/** The first rule that matches decides. */
function ofRules(rules: JsonValue, variables: JsonObject, words: Set<JsonValue | undefined>): string | undefined {
  let text = "false";
  for (const rule of listOf(rules).toReversed()) {
    if (!isJsonObject(rule)) continue;
    if (rule.changes !== undefined || rule.exists !== undefined)
      throw new Untranslatable(
        "`changes` and `exists` of a rule have no counterpart: `push` of `triggers` has `paths`",
      );
    const runs = rule.when !== "never";
    if (runs) words.add(rule.when);
    const result = String(runs);
    text = typeof rule.if === "string" ? `(${ofVariables(rule.if, variables)}) ? ${result} : (${text})` : result;
  }
  if (text === "true") return undefined;
  return simplified(text);
}

/** Shorter forms of `(a) ? true : (false)`, as rules of one line give. */
function simplified(text: string): string {
  const one = /^\(([^?]*)\) \? true : \(false\)$/.exec(text)?.[1];
  return one ?? text;
}

function ofOnly(only: JsonValue | undefined, except: JsonValue | undefined): string | undefined {
  const of = (value: JsonValue | undefined): string | undefined => {
    if (value === undefined) return undefined;
    const refs = isJsonObject(value) ? textsOf(value.refs) : textsOf(value);
    if (isJsonObject(value) && Object.keys(value).some((key) => key !== "refs"))
      throw new Untranslatable("`variables`, `changes` and `kubernetes` of `only` and `except` have no counterpart");
    return refs.map(ofRef).join(" || ");
  };
  const parts = [of(only), except === undefined ? undefined : `!(${of(except) ?? "false"})`].filter(
    (one) => one !== undefined,
  );
  return parts.length === 2 ? `(${parts[0]}) && ${parts[1]}` : parts[0];
}

function ofRef(ref: string): string {
  if (ref === "branches") return 'trigger.kind == "push"';
  if (ref === "tags") return 'trigger.kind == "tag"';
  const source = SOURCES[ref];
  if (source !== undefined) return `trigger.kind == ${quoted(source)}`;
  if (ref.startsWith("/"))
    throw new Untranslatable(`the pattern ${ref} has no counterpart: \`push\` of \`triggers\` has \`branches\``);
  return `params.branch == ${quoted(ref)}`;
}

/** `$CI_COMMIT_BRANCH == "main" && $X`. */
function ofVariables(source: string, variables: JsonObject): string {
  if (/=~|!~/.test(source)) throw new Untranslatable(`the pattern in \`${source}\` has no counterpart`);
  const isSource = source.includes("CI_PIPELINE_SOURCE");
  const parts = source.match(/\$\w+|"[^"]*"|'[^']*'|&&|\|\||==|!=|[()]|null\b|\S+/g) ?? [];
  return parts
    .map((part, index) => {
      if (/^["']/.test(part)) {
        const text = part.slice(1, -1);
        return quoted(isSource ? (SOURCES[text] ?? text) : text);
      }
      if (part === "null") return '""';
      if (!part.startsWith("$")) {
        if (/^(?:&&|\|\||==|!=|[()])$/.test(part)) return part;
        throw new Untranslatable(`\`${source}\` cannot be read`);
      }
      const value = ofVariable(part.slice(1), variables);
      const isCompared = [parts[index - 1], parts[index + 1]].some((one) => one === "==" || one === "!=");
      return isCompared ? value : `${value} != ""`;
    })
    .join(" ")
    .replace(/\( /g, "(")
    .replace(/ \)/g, ")");
}

/** A text with `$NAME` or `${NAME}`, as a template. Throws Untranslatable. */
export function templateOf(text: string, variables: JsonObject): string {
  return text
    .replaceAll("${{", "$${{")
    .replace(/(?<!\$)\$(?:\{(\w+)\}|(\w+))/g, (_, inBraces?: string, bare?: string) => {
      const name = inBraces ?? bare ?? "";
      const value = variables[name];
      if (VARIABLES[name] === undefined && typeof value === "string" && !value.includes("$")) return value;
      return `\${{ ${ofVariable(name, variables)} }}`;
    });
}

function ofVariable(name: string, variables: JsonObject): string {
  if (name === "CI_COMMIT_TAG") return 'trigger.?tag.orValue("")';
  const known = VARIABLES[name];
  if (known !== undefined) return known;
  const value = variables[name];
  if (typeof value === "string") return quoted(value);
  throw new Untranslatable(`the variable $${name} is not set in the file`);
}
