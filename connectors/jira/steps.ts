// Steps for Jira. Creating is not idempotent and the search index lags, so everything that is created carries a mark by
// which a later attempt finds it: projects the name of the app, issues a label, comments an entity property.

import { createHash } from "node:crypto";
import { GantryError } from "@gantry/core/errors.ts";
import { succeeded, waiting } from "@gantry/core/step/outcome.ts";
import type { Resource } from "@gantry/core/step/resource.ts";
import { defineStep, type StepContext, type TaskFacts, USUAL_RETRY } from "@gantry/core/step/step.ts";
import { z } from "zod";
import { outlastRestart } from "../outlast.ts";
import { type Issue, type JiraClient, openJira, type Project, type Transition } from "./client.ts";

const MINUTE_MS = 60_000;
/** How long the search index may lag, and the pause between two searches (reliability rules, Jira). */
const SEARCH_LAG_MS = 5 * MINUTE_MS;
const SEARCH_AGAIN_MS = 15_000;

const system = z.string().min(1).optional();
/** The characters that both flavours allow by default; they also keep a key from being read as a path or a query. */
const projectKey = z.string().regex(/^[A-Z][A-Z0-9]{1,9}$/, "must be 2 to 10 capital letters and digits");
const issueKey = z.string().regex(/^[A-Z][A-Z0-9_]{1,19}-[0-9]{1,10}$/, "must look like ORD-12");

export const createProject = defineStep({
  name: "jira/create-project",
  title: "Create the Jira project",
  input: z.strictObject({
    key: projectKey,
    name: z.string().min(1).max(80),
    description: z.string().max(1_000).optional(),
    /** Key of the project template; default: Kanban. */
    template: z.string().optional(),
    system,
  }),
  output: z.strictObject({ key: z.string(), id: z.string(), url: z.string(), created: z.boolean() }),
  needs: ["jira"],
  acts: ({ key, system }) => [{ kind: "jira-project", access: "create", key, system }],
  effects: ["project"],
  retry: USUAL_RETRY,
  timeoutMs: 15 * MINUTE_MS,
  plan: async (context) => {
    const { key, name } = context.input;
    const found = await ours(context, await connect(context));
    return found ? [] : [`create the Jira project ${key} (${name})`];
  },
  run: (context) =>
    outlastRestart(context, async () => {
      const { key, name, description, template } = context.input;
      const jira = await connect(context);
      // Before an effect is recorded: what the record says has begun was not there before.
      const there = await ours(context, jira);
      const made = await context.effect({
        name: "project",
        what: `create the Jira project ${key}`,
        probe: async () => {
          const found = await ours(context, jira);
          return found && { id: found.id, created: true };
        },
        perform: async () => {
          if (there) return { id: there.id, created: false };
          const text = [description, markOf(context.task)].filter(Boolean).join("\n\n");
          const { id } = await jira.createProject({ key, name, description: text, template });
          return { id, created: true };
        },
      });
      const url = browse(context, key);
      context.log(made.created ? `created ${url}` : `${url} is there already`);
      return succeeded({ key, url, ...made });
    }),
  undo: {
    find: async (context) => {
      const { key } = context.input;
      const found = await (await connect(context)).project(key);
      if (found === undefined) return `there is no Jira project ${key}`;
      if (isMarked(found, context.task)) return { key, id: found.id, url: browse(context, key), created: true };
      const problem = `its description does not hold ${markOf(context.task)}`;
      return `the Jira project ${key} stays: task ${context.task.id} may have made it, but ${problem}`;
    },
    remove: async (context, { key, id, created }) => {
      if (!created) return;
      const jira = await connect(context);
      const found = await jira.project(key);
      const keep = (why: string): void => context.log(`kept the Jira project ${key}: ${why}`);
      if (found === undefined) return context.log(`there is no Jira project ${key}`);
      if (found.id !== id || !isMarked(found, context.task))
        return keep("it is not the one that was created for this app");
      if (await jira.hasIssues(key)) return keep("it has issues");
      await jira.deleteProject(id);
      context.log(`deleted the Jira project ${key}`);
    },
  },
});

export const createIssue = defineStep({
  name: "jira/create-issue",
  title: "Create the Jira issue",
  input: z.strictObject({
    project: projectKey,
    type: z.string().min(1).default("Task"),
    summary: z.string().min(1).max(255),
    description: z.string().max(30_000).optional(),
    labels: z.array(z.string().regex(/^\S{1,255}$/, "must have 1 to 255 characters without spaces")).default([]),
    /** What to do when it is unknown whether an earlier attempt created the issue: ask a person, or risk a duplicate. */
    onUnknown: z.enum(["ask", "create"]).default("ask"),
    system,
  }),
  output: z.strictObject({ key: z.string(), id: z.string(), url: z.string() }),
  needs: ["jira"],
  acts: ({ project: key, system }) => [{ kind: "jira-project", access: "change", key, system }],
  effects: ["issue"],
  retry: USUAL_RETRY,
  timeoutMs: 20 * MINUTE_MS,
  plan: async ({ input }) => [`create a ${input.type} in the Jira project ${input.project}: ${input.summary}`],
  run: (context) =>
    outlastRestart(context, async (given, outageMs) => {
      const { project, onUnknown, labels, ...rest } = context.input;
      const jira = await connect(context);
      const label = `fx-${markKey(context.task)}`;
      const lookingSince = (lookingSinceOf(given) ?? context.nowMs()) + outageMs;
      try {
        const made = await context.effect({
          name: "issue",
          what: `create a Jira issue in ${project}: ${rest.summary}`,
          probe: async () => {
            const [found] = await jira.labelled(project, label);
            if (found) return { id: found.id, key: found.key };
            if (context.nowMs() - lookingSince < SEARCH_LAG_MS) throw new NotFoundYet();
            if (onUnknown === "create") return undefined;
            throw new GantryError("effect-unknown", {
              what: `the issue "${rest.summary}" in ${project}`,
              system: "Jira",
            });
          },
          perform: async () => {
            const { id, key } = await jira.createIssue({
              project,
              type: rest.type,
              summary: rest.summary,
              description: rest.description,
              labels: [...labels, label],
            });
            return { id, key };
          },
        });
        return succeeded({ ...made, url: browse(context, made.key) });
      } catch (error) {
        if (!(error instanceof NotFoundYet)) throw error;
        const reason = "an earlier attempt may have created the issue; Jira's search index does not show it yet";
        return waiting(reason, SEARCH_AGAIN_MS, { lookingSince });
      }
    }),
});

export const transitionIssue = defineStep({
  name: "jira/transition-issue",
  title: "Transition the Jira issue",
  input: z.strictObject({
    issue: issueKey,
    /** Name of the transition or of its target status; case-insensitive. */
    to: z.string().min(1).max(255),
    system,
  }),
  output: z.strictObject({ key: z.string(), status: z.string(), changed: z.boolean(), url: z.string() }),
  needs: ["jira"],
  acts: ({ issue, system }) => [projectOf(issue, system)],
  effects: ["transition"],
  retry: USUAL_RETRY,
  timeoutMs: 15 * MINUTE_MS,
  plan: async (context) => {
    const { issue, to } = context.input;
    const now = await (await connect(context)).issue(issue);
    return same(statusOf(now), to) ? [] : [`move ${issue} from ${statusOf(now)} to ${to}`];
  },
  run: (context) =>
    outlastRestart(context, async () => {
      const { issue: key, to } = context.input;
      const jira = await connect(context);
      const moved = await context.effect({
        name: "transition",
        what: `move ${key} to ${to}`,
        probe: async () => {
          const status = statusOf(await jira.issue(key));
          return same(status, to) ? { status, changed: true } : undefined;
        },
        perform: async () => {
          const status = statusOf(await jira.issue(key));
          if (same(status, to)) return { status, changed: false };
          const chosen = choose(await jira.transitions(key), key, to);
          await jira.transition(key, chosen.id);
          return { status: chosen.to.name, changed: true };
        },
      });
      return succeeded({ key, url: browse(context, key), ...moved });
    }),
});

export const comment = defineStep({
  name: "jira/comment",
  title: "Comment on the Jira issue",
  input: z.strictObject({ issue: issueKey, text: z.string().min(1).max(30_000), system }),
  output: z.strictObject({ key: z.string(), id: z.string(), url: z.string() }),
  needs: ["jira"],
  acts: ({ issue, system }) => [projectOf(issue, system)],
  effects: ["comment"],
  retry: USUAL_RETRY,
  timeoutMs: 15 * MINUTE_MS,
  plan: async ({ input }) => [`comment on ${input.issue}`],
  run: (context) =>
    outlastRestart(context, async () => {
      const { issue: key, text } = context.input;
      const jira = await connect(context);
      const mark = { key: "gantry.effect", value: markKey(context.task) };
      const made = await context.effect({
        name: "comment",
        what: `comment on ${key}`,
        probe: () => jira.markedComment(key, mark),
        perform: () => jira.comment(key, text, mark),
      });
      return succeeded({ key, url: browse(context, key), ...made });
    }),
});

function projectOf(issue: string, system: string | undefined): Resource {
  return { kind: "jira-project", access: "change", key: issue.slice(0, issue.lastIndexOf("-")), system };
}

class NotFoundYet extends Error {}

type Context = StepContext<{ readonly system?: string | undefined }, "jira">;

function connect(context: Context): Promise<JiraClient> {
  return openJira(context.system("jira", context.input.system), context.fetch, context.signal);
}

function browse(context: Context, key: string): string {
  return `${context.system("jira", context.input.system).url}/browse/${key}`;
}

/** The project if Gantry created it for this app, undefined if there is none. Any other project is an error. */
async function ours(
  context: StepContext<{ readonly key: string; readonly system?: string | undefined }, "jira">,
  jira: JiraClient,
): Promise<Project | undefined> {
  const { key } = context.input;
  const found = await jira.project(key);
  const mark = markOf(context.task);
  if (!found || isMarked(found, context.task)) return found;
  const problem = `The project is "${found.name}"; its description does not contain ${mark}.`;
  throw new GantryError("exists-foreign", { what: `The Jira project ${key}`, problem });
}

function isMarked({ description }: Project, task: TaskFacts): boolean {
  return description?.split(/\s+/).includes(markOf(task)) === true;
}

/** Text in the description of a project that names the app it was created for, or the pipeline if there is no app. */
function markOf(task: TaskFacts): string {
  return task.app === undefined ? `gantry:pipeline=${task.pipeline}` : `gantry:app=${task.app}`;
}

/** The same in every attempt of this step, and different for every other step. */
function markKey({ id, job, step }: TaskFacts): string {
  return createHash("sha256").update([id, job, step].join("\n")).digest("hex").slice(0, 24);
}

function lookingSinceOf(memo: unknown): number | undefined {
  const parsed = z.object({ lookingSince: z.number() }).safeParse(memo);
  return parsed.success ? parsed.data.lookingSince : undefined;
}

function statusOf(issue: Issue): string {
  return issue.fields.status.name;
}

function same(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

/** Transition ids differ between workflows, so pipelines use names. */
function choose(known: readonly Transition[], key: string, to: string): Transition {
  const found = known.find((one) => same(one.name, to)) ?? known.find((one) => same(one.to.name, to));
  if (found) return found;
  const names = known.map((one) => `${one.name} → ${one.to.name}`).join(", ") || "none";
  const problem = `No transition leads there from the present status. There are: ${names}.`;
  throw new GantryError("system-refused", { system: "Jira", what: `move ${key} to ${to}`, problem });
}
