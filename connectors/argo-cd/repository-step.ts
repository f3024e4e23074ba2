// argocd/ensure-repository: makes sure that Argo CD can read the yaml repository, with an account that may only read. What
// people registered in Argo CD is never written again.

import { GantryError } from "@gantry/core/errors.ts";
import { succeeded } from "@gantry/core/step/outcome.ts";
import type { Resource } from "@gantry/core/step/resource.ts";
import { defineStep, type StepContext, USUAL_RETRY } from "@gantry/core/step/step.ts";
import { z } from "zod";
import { repositoryInput } from "../git/step-parts.ts";
import { outlastRestart } from "../outlast.ts";
import { type ArgoCd, connect } from "./client.ts";
import { decideRepository, type GitCredential, type RepositoryDecision } from "./decide-repository.ts";
import { objectName, SETUP_LIMIT_MS, system } from "./ensure-steps.ts";
import { lookAtRepository } from "./look-at-repository.ts";

const input = z.strictObject({
  repository: repositoryInput.strict(),
  project: objectName
    .optional()
    .describe("The Argo CD project of the app: what is registered for another project does not count."),
  system,
});

export const argocdEnsureRepository = defineStep({
  name: "argocd/ensure-repository",
  title: "Let Argo CD read the repository",
  input,
  output: z.object({
    url: z.string().describe("The address that applications must name"),
    created: z.boolean(),
  }),
  needs: ["argocd", "git"],
  acts: ({ repository, project, system }) => [
    { kind: "repository", access: "read", ...repository },
    ...(project === undefined ? [] : [{ kind: "argocd-project", access: "read", project, system } satisfies Resource]),
  ],
  effects: ["register-repository"],
  retry: USUAL_RETRY,
  timeoutMs: SETUP_LIMIT_MS,
  plan: async (context) => {
    const { url, decided } = await look(context);
    if (decided.kind === "unreadable") throw unreadable(context, url);
    // Whether they differ is only known by sending them.
    if (decided.kind === "keep" || decided.kind === "compare") return [];
    return [`register ${url} in Argo CD`];
  },
  run: (context) =>
    outlastRestart(context, async () => {
      const { client, url, decided } = await look(context);
      if (decided.kind === "unreadable") throw unreadable(context, url);
      if (decided.kind === "keep") {
        context.log(`${url}: ${decided.says}`);
        return succeeded({ url: decided.url, created: false });
      }
      const { created, says } = await context.effect({
        name: "register-repository",
        what: `register ${url} in Argo CD`,
        // Argo CD shows no credentials, so the next call decides again.
        probe: async () => undefined,
        perform: () => register(client, decided),
      });
      context.log(`${url}: ${says}`);
      return succeeded({ url, created });
    }),
  undo: {
    find: async (context, result) => {
      const { client, url } = await look(context);
      if (result?.created === true) return { url, created: true };
      if ((await client.getRepository(url)) === undefined) return `there is no repository ${url}`;
      return `the repository ${url} stays: task ${context.task.id} may have registered it, but Argo CD does not say who did`;
    },
    remove: async (context, output) => {
      if (output.created)
        await connect(context.system("argocd", context.input.system), context).deleteRepository(output.url);
    },
  },
});

type Context = StepContext<z.output<typeof input>, "argocd" | "git">;

async function look(
  context: Context,
): Promise<{ readonly client: ArgoCd; readonly url: string; readonly decided: RepositoryDecision }> {
  const { repository, project, system: which } = context.input;
  const argocd = context.system("argocd", which);
  const git = context.system("git", repository.system);
  const client = connect(argocd, context);
  const facts = await lookAtRepository(client, argocd, { ...context, system: git }, repository);
  const { reader, url } = facts;
  // A stand-in is on this machine, and the demo has no other account for a git host of one's own.
  if (typeof reader === "object" && (reader.password ?? reader.bearerToken) === git.token && !argocd.standIn)
    throw unreadable(context, url, "The account under `git:` has the password with which Gantry pushes.");
  return { client, url, decided: decideRepository({ ...facts, project }) };
}

async function register(
  client: ArgoCd,
  { kind, body }: Exclude<RepositoryDecision, { kind: "keep" | "unreadable" }>,
): Promise<{ readonly created: boolean; readonly says: string }> {
  const answer = await client.createRepository(body, kind === "replace");
  if (answer !== "exists-different") {
    if (kind === "register") return { created: true, says: `registered with ${userOf(body)}` };
    return { created: false, says: kind === "replace" ? "its password was renewed" : "it is registered" };
  }
  // Somebody else registered it, and this account may not see it.
  if (kind === "register") return { created: false, says: "it is registered with other credentials, which stay" };
  await client.createRepository(body, true);
  return { created: false, says: `registered with ${userOf(body)} in place of the account with which Gantry pushes` };
}

function userOf({ username }: GitCredential): string {
  return username ?? "a token that may only read";
}

function unreadable(
  { input: { repository, system }, system: find }: Context,
  url: string,
  problem = "It does not know the repository, and it does not get Gantry's own account, which may push.",
): GantryError {
  const host = find("git", repository.system).name;
  return new GantryError("repository-unreadable", { system: find("argocd", system).name, url, host, problem });
}
