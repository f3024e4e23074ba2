// Rules for `triggers:` that their form cannot express.

import { isTemplated } from "../expr/template.ts";
import type { Path, PathProblem } from "../issues.ts";
import { parseDuration } from "../pipeline/duration.ts";
import { checkSchema } from "../pipeline/json-schema.ts";
import type { RuleContext } from "../pipeline/rule.ts";
import { typesOf } from "../pipeline/template-sources.ts";
import { didYouMean } from "../suggest.ts";
import { cronProblem, isTimeZone } from "./cron.ts";
import { fittingPatterns } from "./rules-patterns.ts";
import { nextTime } from "./times.ts";
import { TRIGGER_KINDS, type Trigger } from "./trigger.ts";
import type { TriggerFile } from "./trigger-shape.ts";

const MAX_JITTER_MS = 3_600_000;
/** Every expression that ever has a time has one in these years, leap days included. */
const START_MS = Date.UTC(2_000, 0, 1);

export function goodTriggers(context: RuleContext): readonly PathProblem[] {
  const { file, pipeline } = context;
  if (file.triggers === undefined) return [];
  if (pipeline.app === "new")
    return [{ path: ["triggers"], detail: "a pipeline that creates apps is started by people only", on: "key" }];
  return file.triggers.flatMap((trigger, index): readonly PathProblem[] => {
    const path = ["triggers", index];
    const normal = pipeline.triggers?.[index];
    return [
      ...oneKind(trigger, path),
      ...twinOf(file.triggers ?? [], index),
      ...(normal === undefined ? [] : [...fittingApp(context, normal, path), ...goodParamsOf(context, normal, path)]),
      ...(trigger.title?.includes("${{")
        ? [problem([...path, "title"], "a title cannot contain an expression", "value")]
        : []),
      ...fittingPatterns(trigger, path),
      ...goodSchedule(trigger.schedule, [...path, "schedule"]),
      ...(trigger.upstream?.pipeline === pipeline.name
        ? [problem([...path, "upstream", "pipeline"], "a pipeline that starts after itself would never stop", "value")]
        : []),
    ];
  });
}

function oneKind(trigger: TriggerFile, path: Path): readonly PathProblem[] {
  const [first, second] = TRIGGER_KINDS.filter((kind) => trigger[kind] !== undefined);
  if (first === undefined) {
    const kinds = TRIGGER_KINDS.map((kind) => `\`${kind}\``).join(", ");
    return [problem(path, `a trigger needs one of ${kinds}`, "value")];
  }
  if (second === undefined) return [];
  return [problem([...path, second], `a trigger has one kind, and this has ${first} and ${second}`, "key")];
}

/** Each trigger starts a task of its own. */
function twinOf(triggers: readonly TriggerFile[], index: number): readonly PathProblem[] {
  const text = JSON.stringify(triggers[index]);
  const twin = triggers.slice(0, index).findIndex((one) => JSON.stringify(one) === text);
  if (twin === -1) return [];
  return [problem(["triggers", index], `this is trigger ${twin + 1} again: each of them starts a task`, "value")];
}

/** What happens in the repository of an app starts something for this app. */
function fittingApp({ pipeline }: RuleContext, { kind }: Trigger, path: Path): readonly PathProblem[] {
  if (pipeline.app !== "none" || kind === "schedule" || kind === "upstream") return [];
  return [problem([...path, kind], `${kind} is about an app, and this pipeline has \`app: none\``, "key")];
}

/** Nobody fills in a form, so the trigger or the defaults give every value. */
function goodParamsOf(context: RuleContext, { params }: Trigger, path: Path): readonly PathProblem[] {
  const { properties, required } = context.pipeline.params;
  const names = Object.keys(properties);
  const missing = required.filter((name) => !Object.hasOwn(params, name));
  return [
    ...missing.map((name) =>
      problem(
        path,
        `nobody fills in a form: give the param ${name} in \`params\` of the trigger, or a default`,
        "value",
      ),
    ),
    ...Object.entries(params).flatMap(([name, value]): readonly PathProblem[] => {
      const at = [...path, "params", name];
      const schema = Object.hasOwn(properties, name) ? properties[name] : undefined;
      if (schema === undefined) return [problem(at, `there is no param ${name}${didYouMean(name, names)}`, "key")];
      if (schema.secret === true)
        return [problem(at, "a secret cannot be written here: everybody can read this file", "key")];
      const options = { unknown: isTemplated, typesOf: (one: typeof value) => typesOf(context, one) };
      return checkSchema(schema, value, options).map(({ path: inner, detail }) =>
        problem([...at, ...inner], `${name} does not fit: ${detail}`, "value"),
      );
    }),
  ];
}

function goodSchedule(schedule: TriggerFile["schedule"], path: Path): readonly PathProblem[] {
  if (schedule === undefined) return [];
  const { cron, once, until, timeZone } = schedule;
  const problems: PathProblem[] = [];
  const at = (key: string, detail: string, on: PathProblem["on"] = "value") =>
    problems.push(problem([...path, key], detail, on));
  if (cron === undefined && once === undefined)
    problems.push(problem(path, "a schedule needs `cron` or `once`", "value"));
  if (cron !== undefined && once !== undefined) at("once", "a schedule has `cron` or `once`, not both", "key");
  if (timeZone !== undefined && !isTimeZone(timeZone))
    at("timeZone", `there is no time zone ${timeZone}; write its name, such as Europe/Berlin or UTC`);
  for (const [key, time] of Object.entries({ once, until }))
    if (time !== undefined && !isTime(time)) at(key, `there is no such time: ${time}`);
  if (once !== undefined)
    for (const key of ["until", "overlap"] as const)
      if (schedule[key] !== undefined) at(key, `\`${key}\` is for \`cron\`: \`once\` is one time`, "key");
  const wrong = cron === undefined ? undefined : cronProblem(cron);
  if (wrong !== undefined) at("cron", wrong);
  else if (cron !== undefined && nextTime({ cron, timeZone: "UTC" }, START_MS) === undefined)
    at("cron", "this time never comes: no month has such a day");
  if (jitterOf(schedule) > MAX_JITTER_MS) at("jitter", "a jitter is at most 1h");
  return problems;
}

/** Schedules that start nothing any more. Not mistakes: each was right once, and the file must not become wrong by itself. */
export function pastSchedules({ pipeline }: RuleContext, nowMs: number): readonly PathProblem[] {
  return (pipeline.triggers ?? []).flatMap((trigger, index): PathProblem[] => {
    if (trigger.kind !== "schedule") return [];
    const { onceMs, untilMs } = trigger;
    if ((onceMs ?? untilMs ?? Infinity) > nowMs) return [];
    const key = onceMs === undefined ? "until" : "once";
    return [problem(["triggers", index, "schedule", key], "this time has passed: it starts nothing any more", "value")];
  });
}

/** `Date.parse` takes February 30 for March 2. */
function isTime(time: string): boolean {
  const [date = ""] = time.split("T");
  const day = Date.parse(`${date}T00:00:00Z`);
  return !Number.isNaN(Date.parse(time)) && !Number.isNaN(day) && new Date(day).toISOString().startsWith(date);
}

function jitterOf({ jitter }: NonNullable<TriggerFile["schedule"]>): number {
  return jitter === undefined ? 0 : (parseDuration(jitter) ?? 0);
}

function problem(path: Path, detail: string, on: PathProblem["on"]): PathProblem {
  return { path, detail, on };
}
