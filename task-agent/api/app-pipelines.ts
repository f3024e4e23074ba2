// Which pipelines the buttons of an app start.

import { type Action, actionOf } from "@gantry/core/choice/actions.ts";
import { type Choice, choosePipeline, isStartedFor } from "@gantry/core/choice/choose-pipeline.ts";
import { GantryError } from "@gantry/core/errors.ts";
import { atSite, siteOfTask } from "@gantry/core/site/site-defaults.ts";
import type { AppState } from "@gantry/core/task/model.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import type { AppPipelinesView } from "@gantry/wire/agent/app-pipelines.ts";
import type { OwnPipelines } from "../definitions/own-pipelines.ts";
import { isAppName } from "../tasks/decide-start.ts";
import type { Definition, Definitions } from "../tasks/definitions.ts";
import { appStream } from "../tasks/task-stream.ts";
import { iso } from "./iso.ts";

export type AppPipelinesDeps = {
  readonly journal: Journal;
  readonly definitions: Definitions;
  readonly ownPipelines: OwnPipelines;
  /** Counts a task that reads files; throws `too-many`. Default: no limit. */
  readonly admit?: (principal: string) => void;
};

export type AppPipelines = {
  /** Throws `app-unknown`. */
  readonly view: (app: string) => Promise<AppPipelinesView>;
  /** Reads the app's own files first. Throws `app-unknown`, `pipeline-unclear`, and what reading throws. */
  readonly choose: (app: string, action: Action, principal: string) => Promise<string>;
  /** What a button of the app starts, as read last. Throws `app-unknown` and `pipeline-unclear`. */
  readonly chosen: (app: string, action: Action) => Promise<Definition>;
  /** As its form begins for the app: with the defaults of the site that builds it. Throws `app-unknown`. */
  readonly preset: (definition: Definition, app: string | undefined) => Promise<Definition>;
  /** Undefined when there is none. */
  readonly named: (name: string) => Promise<Definition | undefined>;
};

export function openAppPipelines({ journal, definitions, ownPipelines, admit }: AppPipelinesDeps): AppPipelines {
  const load = async (name: string): Promise<AppState> => {
    const loaded = isAppName(name) ? await appStream.load(journal, name) : undefined;
    if (!loaded || loaded.state.state === "removed") throw new GantryError("app-unknown", { app: name });
    return loaded.state;
  };
  const offered = async (app: AppState): Promise<readonly Definition[]> => [
    ...definitions.list(),
    ...(await ownPipelines.of(app)),
  ];
  const choiceOf = (action: Action, app: AppState, all: readonly Definition[]): Choice =>
    choosePipeline(
      action,
      app,
      all.map(({ pipeline }) => pipeline),
    );
  const chosen = async (app: AppState, action: Action): Promise<Definition> => {
    const all = await offered(app);
    const choice = choiceOf(action, app, all);
    if ("problem" in choice) throw new GantryError("pipeline-unclear", { problem: choice.problem });
    const found = all.find(({ pipeline }) => pipeline.name === choice.name);
    if (!found) throw new Error(`${choice.name} was chosen, and is not offered`);
    return found;
  };
  return {
    view: async (name) => {
      const app = await load(name);
      const all = await offered(app);
      const state = await ownPipelines.state(app);
      return {
        ci: choiceOf("ci", app, all),
        cd: choiceOf("cd", app, all),
        others: othersOf(app, all),
        ...(state ? { own: ownView(state) } : {}),
      };
    },
    choose: async (name, action, principal) => {
      const app = await load(name);
      if (ownPipelines.mayHave(app)) {
        admit?.(principal);
        await ownPipelines.read(app, principal);
      }
      return (await chosen(app, action)).pipeline.name;
    },
    preset: async ({ pipeline, ...rest }, name) => {
      const scope = name === undefined ? {} : (await load(name)).record;
      const site = siteOfTask(pipeline, scope, {});
      return { ...rest, pipeline: atSite(pipeline, definitions.sites?.() ?? {}, site) };
    },
    chosen: async (name, action) => chosen(await load(name), action),
    named: async (name) => definitions.current(name) ?? (await ownPipelines.named(name, name.split(".")[0])),
  };
}

/** Those that are for this app, and for neither of its two buttons. */
function othersOf(app: AppState, all: readonly Definition[]): NonNullable<AppPipelinesView["others"]> {
  const offered = all.map(({ pipeline }) => pipeline);
  return offered
    .filter((one) => actionOf(one) === undefined && isStartedFor(one, app, offered))
    .map(({ name, title, button }) => ({ name, title, button }));
}

function ownView({
  source: { branch },
  commit,
  at,
  task,
  definitions,
  problems,
}: NonNullable<Awaited<ReturnType<OwnPipelines["state"]>>>): NonNullable<AppPipelinesView["own"]> {
  return {
    ...{ branch, commit, at: iso(at), task },
    pipelines: definitions.map((one) => ({ ...one })),
    ...(problems === undefined
      ? {}
      : { problems: problems.map(({ detail, file, line, column }) => ({ detail, file, line, column })) }),
  };
}
