// argocd/end-sync: ends a sync that runs for another commit. Argo CD runs one operation of an app at a time, and with auto-sync on
// it starts none for a newer commit while a hook of an older one hangs.

import { GantryError } from "@gantry/core/errors.ts";
import { type StepOutcome, succeeded, waiting } from "@gantry/core/step/outcome.ts";
import { defineStep, type StepContext, USUAL_RETRY } from "@gantry/core/step/step.ts";
import { z } from "zod";
import { outlastRestart } from "../outlast.ts";
import { type ArgoCd, connect } from "./client.ts";
import { type Application, isAt, revisionsOf, short, shortAt } from "./model.ts";
import { application, placeInput } from "./place.ts";

const output = z.object({ ended: z.boolean() });
type EndContext = StepContext<z.output<typeof placeInput>, "argocd">;

export const argocdEndSync = defineStep({
  name: "argocd/end-sync",
  title: "End a sync of another commit",
  input: placeInput,
  output,
  needs: ["argocd"],
  acts: (input) => [application(input, "change")],
  effects: ["terminate"],
  retry: USUAL_RETRY,
  timeoutMs: 300_000,
  plan: async (context) => {
    const { input } = context;
    const client = connect(context.system("argocd", input.system), context);
    const app = await client.getApplication(input.app, input.project);
    const other = app && operationOfOther(app, input.revision);
    return other ? [`end the sync of ${input.app} to ${other.commit}`] : [];
  },
  run: (context) => outlastRestart(context, (memo) => endOnce(context, memo === "ended")),
});

async function endOnce(context: EndContext, hasEnded: boolean): Promise<StepOutcome<z.output<typeof output>>> {
  const { input } = context;
  const client = connect(context.system("argocd", input.system), context);
  const app = await client.getApplication(input.app, input.project);
  const other = app && operationOfOther(app, input.revision);
  if (!other) return succeeded({ ended: hasEnded });
  if (other.state === "running") await end(context, client, other);
  return waiting(`${input.app}: the sync to ${other.commit} is being ended`, 250, "ended");
}

/** `commit`: for people. */
type Other = { readonly state: "running" | "ending" | "starting"; readonly commit: string };

/** What runs for another commit than ours. An operation of our commit is left alone: it may be of this task. */
function operationOfOther(app: Application, revision: string): Other | undefined {
  const state = app.status.operationState;
  const isRunning = state && !state.finishedAt;
  if (!app.operation && !isRunning) return undefined;
  const at = (isRunning ? [state.syncResult, state.operation.sync] : [app.operation?.sync]).find(
    (one) => revisionsOf(one).length > 0,
  );
  if (isAt(at, revision)) return undefined;
  const commit = at ? shortAt(at) : short(undefined);
  if (!isRunning) return { state: "starting", commit };
  return { state: state.phase === "Terminating" ? "ending" : "running", commit };
}

/** More than so many are not ended by one step: somebody else starts them again and again. */
const MOST = 20;

/** An effect of an earlier attempt ended an earlier operation. To end one twice does no harm. */
async function end({ input, log, effect }: EndContext, client: ArgoCd, { commit }: Other): Promise<void> {
  let isDone = false;
  for (let ordinal = 0; ordinal < MOST && !isDone; ordinal += 1) {
    await effect({
      name: "terminate",
      ordinal,
      what: `end the sync of ${input.app} to ${commit}`,
      probe: async () => undefined,
      perform: async () => {
        log(`${input.app} is being synced to ${commit}: that sync is ended`);
        await client.terminate(input.app, input.project).catch(ifOver);
        isDone = true;
        return {};
      },
    });
  }
}

/** It has ended by itself in the meantime. */
function ifOver(error: unknown): void {
  const problem = error instanceof GantryError ? String(error.details.problem) : "";
  if (!/no operation is in progress/i.test(problem)) throw error;
}
