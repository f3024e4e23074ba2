// Proposals of apps to adopt. The task-agent may not talk to outside systems, so a task at the sites looks. Its outputs are all that
// is kept: the proposal is made from them whenever it is read.

import type { KnownSystems } from "@gantry/core/app/apps-may.ts";
import { applicationKey } from "@gantry/core/app/places.ts";
import { GantryError } from "@gantry/core/errors.ts";
import type { TaskState } from "@gantry/core/task/model.ts";
import type { AppProposal, StartProposal } from "@gantry/wire/agent/proposals.ts";
import type { SiteView } from "@gantry/wire/agent/sites/views.ts";
import { appOfPlace } from "../tasks/app-places.ts";
import { keepDefinition } from "../tasks/definitions.ts";
import type { Definition } from "../tasks/read-definitions.ts";
import { type StartDeps, startTask } from "../tasks/start-task.ts";
import { applicationsFoundBy, decideLook, paramsOf, proposalOf } from "./decide-proposal.ts";

export type Proposals = {
  /** Starts to look. Throws `bad-request` for a repository that the app could not have, and `too-many`. */
  readonly start: (request: StartProposal) => Promise<AppProposal>;
  /** `id`: of the task. Throws `not-found`. */
  readonly read: (id: string) => Promise<AppProposal>;
};

export type ProposalsDeps = StartDeps & {
  /** The pipeline discover-app. */
  readonly pipeline: Definition;
  readonly sites: () => Promise<readonly SiteView[]>;
  readonly knownSystems: KnownSystems;
};

export function openProposals(deps: ProposalsDeps): Proposals {
  const { pipeline, definitions, tasks } = deps;
  const declared = (): readonly string[] => Object.keys(definitions.environments?.() ?? {});
  return {
    start: async (request) => {
      const look = decideLook(request, { sites: await deps.sites(), systemsAt: await deps.knownSystems() });
      if (look instanceof GantryError) throw look;
      await keepDefinition(deps.journal, pipeline);
      const { state } = await startTask(
        { ...deps, definitions: { ...definitions, current: () => pipeline } },
        {
          pipeline: pipeline.pipeline.name,
          params: paramsOf(request, look),
          principal: request.principal,
          idempotencyKey: `discover-app/${deps.newId()}`,
        },
      );
      return proposalOf(state, declared());
    },
    read: async (id) => {
      const record = await tasks.read(id);
      if (record?.pipeline.name === pipeline.pipeline.name)
        return proposalOf(record.state, declared(), await ofOthers(deps, record.state));
      throw new GantryError("not-found", { kind: "proposal", name: id });
    },
  };
}

/** Which of the Argo CD applications that were found belong to other apps now. */
async function ofOthers(
  { journal }: Pick<ProposalsDeps, "journal">,
  task: TaskState,
): Promise<(site: string, application: string) => boolean> {
  const keys = applicationsFoundBy(task).map(({ site, name }) => applicationKey(site, name));
  const taken = new Set<string>();
  for (const key of keys) {
    const owner = await appOfPlace(journal, key);
    if (owner !== undefined && owner !== task.params.name) taken.add(key);
  }
  return (site, application) => taken.has(applicationKey(site, application));
}
