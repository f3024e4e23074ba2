// The policy from the folder `roles` of the definitions in force. The portal keeps the last valid one in its journal, so that
// it has the rights of people also when the task-agent is down.

import { compilePolicy, type Policy } from "@gantry/core/access/policy.ts";
import { readRoles } from "@gantry/core/access/read-policy.ts";
import { VERB_NAMES } from "@gantry/core/access/verbs.ts";
import type { SetFile } from "@gantry/core/definitions/set-files.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import { defineStream } from "@gantry/journal/typed-stream.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import type { AgentClient } from "@gantry/wire/agent/agent-client.ts";
import { followPart } from "@gantry/wire/agent/part-follower.ts";
import type { PolicyFile } from "./policy-file.ts";
import type { PolicyOrigin, RecordPolicy } from "./record-policy.ts";

export type PolicyOfSetOptions = {
  readonly agent: Pick<AgentClient, "definitionPart" | "definitions">;
  readonly journal: Pick<Journal, "load" | "append">;
  /** How often the task-agent is asked, in ms. */
  readonly pollMs: number;
  readonly record: RecordPolicy;
  readonly clock: Clock;
  readonly logger: Logger;
};

type Kept = { readonly version: string; readonly files: readonly SetFile[] };
const rolesStream = defineStream<Kept>({ prefix: "access/roles" });

const EMPTY = compilePolicy({ teams: {}, roles: {}, bindings: [], deny: [] });
/** The rules that deny something are not known, so everything is denied. */
const UNREAD: Policy = {
  ...EMPTY,
  deny: [
    {
      verbs: VERB_NAMES,
      groups: [],
      people: ["*"],
      reason: "The roles have never been read from the task-agent. Try again when it answers.",
    },
  ],
};

/** Resolves when the task-agent has answered, or cannot be reached. Rejects when the journal fails. */
export async function openPolicyOfSet(options: PolicyOfSetOptions): Promise<PolicyFile> {
  const { journal, logger } = options;
  const kept = await rolesStream.load(journal);
  const known = kept && policyOf(kept.state.files);
  let policy = known?.ok ? known.policy : UNREAD;
  let version = 1;
  let stored = kept?.version ?? 0;
  let problem: string | undefined = known?.ok ? undefined : "The roles have not been read from the task-agent yet.";

  const refuse = (why: string): void => {
    logger.error({ problem: why }, "the roles of the definitions are not valid: the last valid ones stay in force");
    problem = "The roles of the definitions are not valid for this portal. The last valid ones stay in force.";
  };
  const take = async (files: readonly SetFile[], digest: string): Promise<void> => {
    const read = policyOf(files);
    // Another version of the task-agent checks other things, or has no roles.
    if (!read.ok) return refuse(read.problems.map((one) => `${one.file}:${one.line}: ${one.detail}`).join("; "));
    if (files.length === 0 && policy.bindings.length > 0) return refuse("there is no file in the folder roles");
    await options.record(read.policy, await originOf(options.agent, digest));
    const events = [{ kind: "RolesInForce", version: digest }];
    const state = { version: digest, files };
    const { ok } = await journal.append([rolesStream.append("", { expected: stored, events, state })]);
    if (!ok) throw new Error("something else has changed the stored roles");
    stored += 1;
    policy = read.policy;
    version += 1;
    problem = undefined;
    logger.info({ version: digest }, "the roles of the definitions are in force");
  };

  const follower = followPart({
    ...{ agent: options.agent, clock: options.clock, logger, everyMs: options.pollMs },
    part: "roles",
    known: known?.ok ? kept?.state.version : undefined,
    onChange: take,
  });
  await follower.asked;
  return { policy: () => policy, version: () => version, problem: () => problem, close: follower.stop };
}

/** What the task-agent has read them from. It may have read a newer version meanwhile, whose roles are asked for next. */
async function originOf(agent: Pick<AgentClient, "definitions">, version: string): Promise<PolicyOrigin> {
  const { source } = (await agent.definitions()).inForce;
  if (source?.kind !== "git") return { source: "definitions", version };
  const { project, slug, branch } = source.repository;
  return { source: `${project}/${slug} ${branch}`, commit: source.commit, task: source.task, version };
}

/** Without a file, only the roles of accounts and tokens give rights. */
function policyOf(files: readonly SetFile[]): ReturnType<typeof readRoles> {
  return files.length === 0 ? { ok: true, policy: EMPTY } : readRoles(files);
}
