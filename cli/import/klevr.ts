// Klevr: a task, or the tasks of a catalogue file, become one pipeline each.

import { isJsonObject, type JsonObject, type JsonValue } from "@gantry/core/json.ts";
import type { ForeignFile, Path } from "./foreign-file.ts";
import type { Notes } from "./notes.ts";
import { compact, type ImportOptions, idOf, listOf, noCounterpart, orNothing } from "./target.ts";

/** Kept for whoever wrote the scripts: the result of a step is what TASK_RESULT is when the script ends, however it ends. */
const KEEP_RESULT = `set +eu
keep_result() { printf 'result<<END_OF_TASK_RESULT\\n%s\\nEND_OF_TASK_RESULT\\n' "$TASK_RESULT" >> "$GANTRY_OUTPUT"; }
trap keep_result EXIT
`;
const TASK_KEYS = new Set(
  "id zoneId name description taskType taskTypeChangeable schedule agentKey exeAgentChangeable cron untilRun timeout parameter steps commands totalStepCount hasRecover showLog status callbackUrl".split(
    " ",
  ),
);
const HINTS: { readonly [key: string]: string } = {
  eventHookSendingType: "use a rule of notifications",
};
const CREDENTIAL = /\{\{([A-Za-z0-9]+)\}\}/g;

export function importKlevr(
  { root, placeOf }: ForeignFile,
  options: ImportOptions,
  notes: Notes,
): readonly JsonObject[] {
  const note = (path: Path, what: string): void => notes.add(placeOf(path), what);
  if (!Array.isArray(root.tasks)) return [readTask(root, [], { options, note, commands: {} })];
  const commands = Object.fromEntries(
    listOf(root.commands)
      .filter(isJsonObject)
      .map((one) => [String(one.name), one]),
  );
  return listOf(root.tasks)
    .filter(isJsonObject)
    .map((task, index) => {
      const name = idOf(String(task.name ?? `task-${index + 1}`).toLowerCase(), `task-${index + 1}`);
      return readTask(task, ["tasks", index], { options: { ...options, name }, note, commands });
    });
}

type Around = {
  readonly options: ImportOptions;
  readonly note: (path: Path, what: string) => void;
  /** Commands of the catalogue by name. */
  readonly commands: { readonly [name: string]: JsonObject };
};

function readTask(task: JsonObject, at: Path, around: Around): JsonObject {
  const { options, note } = around;
  for (const key of Object.keys(task)) {
    if (!TASK_KEYS.has(key)) note([...at, key], noCounterpart(`\`${key}\``, HINTS[key]));
  }
  const key = task.steps === undefined ? "commands" : "steps";
  const steps = listOf(task[key]).filter(isJsonObject);
  const recovering = steps.filter(isRecover);
  if (recovering.length > 1)
    note([...at, key], "more than one step is marked as recovering: each of them runs after a failure");
  const text = typeof task.parameter === "string" ? task.parameter : JSON.stringify(task.parameter ?? "");
  const hasSecrets = text.search(CREDENTIAL) >= 0;
  const params = {
    ...(options.site === undefined ? { site: { type: "string", title: "Site", ui: "site" } } : {}),
    ...(hasSecrets ? {} : { parameter: { type: "string", title: "Parameter", default: text, ui: "multiline" } }),
  };
  const parameter = hasSecrets
    ? text.replace(CREDENTIAL, (_, name: string) => `\${{ secrets.${name} }}`)
    : "${{ params.parameter }}";
  const ids = steps
    .map((step, index) => idOf(String(step.name ?? step.commandName ?? ""), `step-${index + 1}`))
    .map(unique);
  return compact({
    name: options.name,
    title: typeof task.name === "string" && task.name !== "" ? task.name : undefined,
    summary: typeof task.description === "string" && task.description !== "" ? task.description : undefined,
    app: "none",
    params: orNothing(params),
    triggers: orNothing(triggersOf(task, at, note)),
    callback: callbackOf(task, at, note),
    jobs: {
      run: compact({
        site: options.site ?? "${{ params.site }}",
        labels: isPinned(task) ? [`runner:${String(task.agentKey)}`] : undefined,
        timeout: typeof task.timeout === "number" && task.timeout > 0 ? `${task.timeout}s` : undefined,
        env: { TASK_ORIGIN_PARAM: parameter },
        steps: steps.map((step, index) => readStep(step, [...at, key, index], ids.slice(0, index + 1), around)),
      }),
    },
  });
}

function readStep(step: JsonObject, at: Path, ids: readonly string[], { note, commands }: Around): JsonObject {
  const name = String(step.name ?? step.commandName ?? "");
  const known = commands[name] ?? {};
  const script = typeof step.command === "string" && step.commandName !== step.command ? step.command : known.command;
  const isReserved = (step.commandType ?? known.commandType) === "reserved";
  const earlier = ids.slice(0, -1);
  // The result of the last step that has one: a step that failed may have none.
  const result = earlier.reduce(
    (otherwise, id) => `steps[${JSON.stringify(id)}].?outputs.?result.orValue(${otherwise})`,
    '""',
  );
  const common = {
    id: ids.at(-1),
    title: name === "" ? undefined : name,
    when: isRecover(step) ? 'status == "failed"' : undefined,
  };
  if (isReserved || typeof script !== "string" || /^https?:/.test(script)) {
    const what = isReserved
      ? `the reserved command ${name}`
      : typeof script === "string"
        ? `the script at ${script}`
        : `the command ${name}`;
    note(at, `${what} is not in the file: write it into the step ${ids.at(-1) ?? ""}`);
    return compact({ ...common, run: `echo ${JSON.stringify(`${what} was not carried over`)}\nexit 1\n` });
  }
  return compact({ ...common, run: `${KEEP_RESULT}${script.trimEnd()}\n`, env: { TASK_RESULT: `\${{ ${result} }}` } });
}

function isRecover(step: JsonObject): boolean {
  return step.isRecover === true || step.recover === true;
}

function callbackOf({ callbackUrl: url }: JsonObject, at: Path, note: Around["note"]): string | undefined {
  if (typeof url !== "string" || url === "") return undefined;
  note(
    [...at, "callbackUrl"],
    "`callbackUrl` is `callback` here: the message is another one and has a signature, and the platform team must allow the host",
  );
  return url;
}

function isPinned(task: JsonObject): boolean {
  return typeof task.agentKey === "string" && task.agentKey !== "" && task.exeAgentChangeable !== true;
}

function triggersOf(task: JsonObject, at: Path, note: Around["note"]): readonly JsonObject[] {
  if (task.taskType === "iteration" && typeof task.cron === "string") {
    const cron = fiveFields(task.cron);
    if (cron === undefined)
      note([...at, "cron"], `the schedule ${task.cron} has seconds or years, which have no counterpart`);
    const schedule = compact({
      cron: cron ?? task.cron,
      timeZone: "UTC",
      until: momentOf(task.untilRun),
      overlap: "skip",
    });
    return [{ schedule }];
  }
  const once = momentOf(task.schedule);
  return once === undefined ? [] : [{ schedule: { once } }];
}

/** Six fields end with a year, seven begin with seconds, too. */
function fiveFields(cron: string): string | undefined {
  const fields = cron.trim().split(/\s+/);
  if (fields.length === 7 && fields[0] === "0" && fields[6] === "*") return fields.slice(1, 6).join(" ");
  if (fields.length === 6 && fields[5] === "*") return fields.slice(0, 5).join(" ");
  return fields.length === 5 ? fields.join(" ") : undefined;
}

function momentOf(value: JsonValue | undefined): string | undefined {
  if (typeof value !== "string" || value === "") return undefined;
  const moment = new Date(/Z|[+-]\d\d:?\d\d$/.test(value) ? value : `${value.replace(" ", "T")}Z`);
  return Number.isNaN(moment.getTime()) ? undefined : moment.toISOString();
}

function unique(id: string, index: number, all: readonly string[]): string {
  const before = all.slice(0, index).filter((one) => one === id).length;
  return before === 0 ? id : `${id}-${before + 1}`;
}
