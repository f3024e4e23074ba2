// Woodpecker CI: a workflow becomes one job, since its steps share a workspace.

import { isJsonObject, type JsonObject, type JsonValue } from "@gantry/core/json.ts";
import { isReservedVariable } from "@gantry/core/pipeline/env-names.ts";
import { quoted, variablesIn } from "./expression.ts";
import type { ForeignFile, Path } from "./foreign-file.ts";
import { cacheName, fileName, patternOf, restoreStep, saveCacheStep, withKeywords } from "./job-files.ts";
import type { Notes } from "./notes.ts";
import {
  COMMON_HINTS,
  checkout,
  compact,
  DEFAULT_SITE,
  type ImportOptions,
  idOf,
  listOf,
  noCounterpart,
  OF_PUSH,
  orNothing,
  SOURCE_PARAMS,
  textsOf,
} from "./target.ts";

const TOP = new Set(
  "steps pipeline when labels matrix depends_on clone workspace variables skip_clone runs_on".split(" "),
);
const STEP_KEYS = new Set("name image commands environment when depends_on secrets failure".split(" "));
const CACHE_PLUGIN = /(?:drone|woodpecker|plugin)[\w-]*-cache\b|\/volume-cache\b/;
const HINTS: { readonly [key: string]: string } = {
  ...COMMON_HINTS,
  services: "start what the job needs in a script, or on the machine of the runner",
  settings: "plugins have no counterpart: write a script, or use a step of `gantry steps`",
  detach: "start it in a script",
  volumes: "scripts run in the sandbox of the runner",
};

/** Variables of Woodpecker → ours. */
const VARIABLES: { readonly [name: string]: string } = {
  CI: '"woodpecker"',
  CI_COMMIT_SHA: "steps.checkout.outputs.commit",
  CI_COMMIT_BRANCH: "params.branch",
  CI_COMMIT_TAG: 'trigger.?tag.orValue("")',
  CI_COMMIT_AUTHOR: "steps.checkout.outputs.author",
  CI_COMMIT_MESSAGE: "steps.checkout.outputs.subject",
  CI_REPO: 'app.source.project + "/" + app.source.slug',
  CI_REPO_NAME: "app.source.slug",
  CI_PIPELINE_EVENT: "trigger.kind",
  CI_PIPELINE_NUMBER: "task.id",
};
const EVENTS: { readonly [event: string]: string } = {
  push: "push",
  pull_request: "pull_request",
  tag: "tag",
  cron: "schedule",
  manual: "person",
};

type Note = (path: Path, what: string) => void;

export function importWoodpecker({ root, placeOf }: ForeignFile, options: ImportOptions, notes: Notes): JsonObject {
  const note: Note = (path, what) => notes.add(placeOf(path), what);
  for (const key of Object.keys(root)) {
    if (!TOP.has(key)) note([key], noCounterpart(`\`${key}\``, HINTS[key]));
  }
  if (root.depends_on !== undefined)
    note(["depends_on"], "other workflows are other pipelines: use the trigger `upstream`");
  const key = root.pipeline === undefined ? "steps" : "pipeline";
  const steps = inOrder(stepsOf(root[key]), key, note);
  const labels = isJsonObject(root.labels)
    ? Object.entries(root.labels).map(([name, value]) => `${name}=${String(value)}`)
    : [];
  const matrix = matrixOf(root.matrix);
  const conditions = listOf(root.when).filter(isJsonObject);
  return compact({
    name: options.name,
    app: "existing",
    params: SOURCE_PARAMS,
    triggers: orNothing(conditions.flatMap((one, index) => triggersOf(one, ["when", index], note))),
    jobs: {
      [idOf(options.name, "run")]: withKeywords({
        site: options.site ?? DEFAULT_SITE,
        ...compact({ labels: orNothing(labels), env: orNothing(matrix.env) }),
        ...matrix.keys,
        steps: [
          ...(root.skip_clone === true ? [] : [checkout()]),
          ...steps.flatMap(({ name, step, path }) => readStep(name, step, path, note)),
        ],
      }),
    },
  });
}

type Step = { readonly name: string; readonly step: JsonObject; readonly path: Path };

/** Steps are a map by name, or a list. */
function stepsOf(value: JsonValue | undefined): readonly Step[] {
  const key = "steps";
  if (isJsonObject(value)) {
    return Object.entries(value).flatMap(([name, step]) =>
      isJsonObject(step) ? [{ name, step, path: [key, name] }] : [],
    );
  }
  return listOf(value).flatMap((step, index) =>
    isJsonObject(step) ? [{ name: String(step.name ?? `step-${index + 1}`), step, path: [key, index] }] : [],
  );
}

/** After what they depend on, else as in the file: they run one after the other here. */
function inOrder(steps: readonly Step[], key: string, note: Note): readonly Step[] {
  const done: Step[] = [];
  const left = [...steps];
  if (steps.some(({ step }) => step.depends_on !== undefined))
    note([key], "steps run one after the other, also those without `depends_on` between them");
  while (left.length > 0) {
    const next = left.findIndex(({ step }) =>
      textsOf(step.depends_on).every((name) => !left.some((other) => other.name === name)),
    );
    done.push(...left.splice(Math.max(0, next), 1));
  }
  return done;
}

function readStep(name: string, step: JsonObject, path: Path, note: Note): readonly JsonObject[] {
  const cache = cacheStepOf(step);
  if (cache !== undefined) {
    const when = conditionOf(step.when, name, [...path, "when"], note);
    return [compact({ ...cache, when })];
  }
  for (const key of Object.keys(step)) {
    if (!STEP_KEYS.has(key)) note([...path, key], noCounterpart(`\`${key}\` of ${name}`, HINTS[key]));
  }
  const commands = listOf(step.commands).map((line) => String(line));
  if (commands.length === 0) {
    note(path, `${name} has no commands, and is left out: write a script, or use a step of \`gantry steps\``);
    return [];
  }
  note(
    [...path, "image"],
    `${name} ran in the image ${String(step.image)}: give the runner its tools, and choose it by \`labels\``,
  );
  const script = commands.join("\n");
  return [
    compact({
      id: idOf(name, "step"),
      title: name,
      run: `${script}\n`,
      when: conditionOf(step.when, name, [...path, "when"], note),
      continueOnError: step.failure === "ignore" ? true : undefined,
      env: orNothing({
        ...variablesIn(script, /\bCI_[A-Z_]+\b/g, (name) => VARIABLES[name]),
        ...environmentOf(step, path, note),
      }),
    }),
  ];
}

function environmentOf(step: JsonObject, path: Path, note: Note): JsonObject {
  const result: { [name: string]: JsonValue } = {};
  const pairs = Array.isArray(step.environment)
    ? textsOf(step.environment).map((pair) => [pair.split("=")[0] ?? "", pair.slice(pair.indexOf("=") + 1)] as const)
    : Object.entries(isJsonObject(step.environment) ? step.environment : {});
  for (const [name, value] of pairs) {
    if (isReservedVariable(name))
      note([...path, "environment"], `the variable ${name} is set by the runner and cannot be set by a pipeline`);
    else if (isJsonObject(value)) result[name] = `\${{ secrets.${String(value.from_secret).toUpperCase()} }}`;
    else result[name] = String(value ?? "").replaceAll("${{", "$${{");
  }
  for (const secret of textsOf(step.secrets)) result[secret.toUpperCase()] = `\${{ secrets.${secret.toUpperCase()} }}`;
  return result;
}

/** One of the conditions of `when` must hold, and all parts of it. */
function conditionOf(when: JsonValue | undefined, name: string, path: Path, note: Note): string | undefined {
  const all = listOf(when).filter(isJsonObject);
  if (all.length === 0) return undefined;
  const texts = all.map((one) => {
    const parts = Object.entries(one).map(([key, value]) => partOf(key, value));
    if (parts.includes(undefined))
      note(
        path,
        `\`when\` of ${name} has ${Object.keys(one).join(", ")}, which have no counterpart here. The step is never run`,
      );
    return parts.some((part) => part === undefined) ? "1 == 2" : parts.filter((part) => part !== "").join(" && ");
  });
  const distinct = texts.filter((text) => text !== "");
  if (distinct.length < texts.length) return undefined;
  return distinct.length === 1 ? distinct[0] : distinct.map((text) => `(${text})`).join(" || ");
}

/** Undefined: no counterpart. */
function partOf(key: string, value: JsonValue): string | undefined {
  const words = textsOf(value);
  // Running for other paths, too, does no harm.
  if (key === "path") return "";
  if (words.some((word) => word.includes("*"))) return undefined;
  if (key === "branch") return anyOf("params.branch", words);
  if (key === "event")
    return anyOf(
      "trigger.kind",
      words.map((word) => EVENTS[word] ?? word),
    );
  if (key === "status") {
    if (words.includes("success") && words.includes("failure")) return 'status != "canceled"';
    return words.includes("failure") ? 'status == "failed"' : "";
  }
  return undefined;
}

function anyOf(name: string, words: readonly string[]): string {
  const [only] = words;
  if (words.length === 1 && only !== undefined) return `${name} == ${quoted(only)}`;
  return `${name} in [${words.map(quoted).join(", ")}]`;
}

function triggersOf(when: JsonObject, path: Path, note: Note): readonly JsonObject[] {
  const branches = textsOf(when.branch).filter((branch) => branch !== "${CI_REPO_DEFAULT_BRANCH}");
  const paths = isJsonObject(when.path) ? textsOf(when.path.include) : textsOf(when.path);
  return textsOf(when.event).flatMap((event): readonly JsonObject[] => {
    if (event === "push")
      return [
        {
          push: compact({ branches: branches.length > 0 ? branches : ["**"], paths: orNothing(paths) }),
          params: OF_PUSH,
        },
      ];
    if (event === "pull_request")
      return [{ pull_request: compact({ branches: orNothing(branches) }), params: OF_PUSH }];
    if (event === "tag") return [{ tag: { names: ["**"] }, params: { ref: OF_PUSH.ref } }];
    if (event !== "manual")
      note(path, `the event ${event} starts nothing here${event === "cron" ? ": write `schedule`" : ""}`);
    return [];
  });
}

type Matrix = { readonly keys: JsonObject; readonly env: JsonObject };

/** Each job has its values as variables. */
function matrixOf(value: JsonValue | undefined): Matrix {
  if (!isJsonObject(value)) return { keys: {}, env: {} };
  const { include, ...axes } = value;
  const each = listOf(include).filter(isJsonObject);
  const [names, keys] =
    each.length > 0
      ? [[...new Set(each.flatMap((one) => Object.keys(one)))], { each }]
      : [Object.keys(axes), compact({ matrix: orNothing(axes) })];
  const env = names.map((name) => [name, `\${{ each.?${name}.orValue("") }}`] as const);
  return { keys, env: Object.fromEntries(env) };
}

/** Plugins that keep folders from one run to the next: `mount` of `settings` names them. Undefined: the step is none. */
function cacheStepOf({ image, settings }: JsonObject): JsonObject | undefined {
  if (!CACHE_PLUGIN.test(String(image)) || !isJsonObject(settings)) return undefined;
  const paths = textsOf(settings.mount).map((path) => patternOf(path.replace(/^\/(?:root|home\/\w+)\//, "~/"), true));
  const known = paths.filter((path) => path !== undefined);
  if (known.length === 0 || known.length < paths.length) return undefined;
  const given = String(settings.cache_key ?? "");
  const files = [...given.matchAll(/checksum "([^"]+)"/g)].flatMap(([, file = ""]) => patternOf(file) ?? []);
  const key = fileName(given.replace(/\{\{.*?\}\}/g, "-"), "");
  const cache = { name: cacheName(known, []), paths: known, files, key };
  if (settings.restore === true || settings.restore === "true") return restoreStep(cache);
  return settings.rebuild === true || settings.rebuild === "true" ? saveCacheStep(cache) : undefined;
}
