// argocd/require-cluster: asks Argo CD for a cluster before anything is committed that is meant for it. argocd/list-clusters:
// which clusters the form for a new app can offer.

import { GantryError } from "@gantry/core/errors.ts";
import { failed, failureOf, succeeded } from "@gantry/core/step/outcome.ts";
import { defineStep, USUAL_RETRY } from "@gantry/core/step/step.ts";
import { didYouMean } from "@gantry/core/suggest.ts";
import { z } from "zod";
import { outlastRestart } from "../outlast.ts";
import { connect } from "./client.ts";

const SHOWN = 20;
/** Of a list for forms and checks. An Argo CD that shows more is not listed completely. */
const MAX_LISTED = 500;

export const argocdRequireCluster = defineStep({
  name: "argocd/require-cluster",
  title: "Verify that Argo CD knows the cluster",
  input: z.strictObject({ cluster: z.string().min(1).max(253), system: z.string().optional() }),
  output: z.object({
    cluster: z.string(),
    verified: z.boolean().describe("False: the account may not see any cluster, so nothing is known."),
  }),
  needs: ["argocd"],
  acts: ({ cluster, system }) => [{ kind: "destination", access: "read", cluster, system }],
  effects: [],
  retry: USUAL_RETRY,
  timeoutMs: 900_000,
  plan: async () => [],
  run: (context) =>
    outlastRestart(context, async () => {
      const { cluster } = context.input;
      const argocd = context.system("argocd", context.input.system);
      const known = await connect(argocd, context).clusterNames();
      if (known.includes(cluster)) return succeeded({ cluster, verified: true });
      // Argo CD omits clusters that the account may not see, so an empty list proves nothing.
      if (known.length === 0) {
        context.log(`the account of ${argocd.name} sees no cluster, so ${cluster} could not be verified`);
        return succeeded({ cluster, verified: false });
      }
      const names = known.toSorted().slice(0, SHOWN).join(", ");
      const problem = `It shows ${names}${didYouMean(cluster, known)}.`;
      return failed(failureOf(new GantryError("cluster-unknown", { cluster, system: argocd.name, problem })));
    }),
});

export const argocdListClusters = defineStep({
  name: "argocd/list-clusters",
  title: "List the clusters",
  input: z.strictObject({ system: z.string().optional() }),
  output: z.object({
    clusters: z.array(z.string()).describe("The names of those that the account may see, at most 500"),
    servers: z.array(z.string()).describe("Their addresses, in the same order"),
    isComplete: z.boolean().describe("False: it may see more than 500"),
  }),
  needs: ["argocd"],
  // All clusters of the site, also those where no app of the task runs.
  acts: () => [{ kind: "site-accounts", access: "read" }],
  effects: [],
  retry: USUAL_RETRY,
  timeoutMs: 60_000,
  plan: async () => [],
  run: (context) =>
    outlastRestart(context, async () => {
      const argocd = context.system("argocd", context.input.system);
      const all = (await connect(argocd, context).clusters()).toSorted((a, b) => (a.name < b.name ? -1 : 1));
      const listed = all.slice(0, MAX_LISTED);
      context.log(listed.map(({ name }) => name).join(", "));
      return succeeded({
        clusters: listed.map(({ name }) => name),
        servers: listed.map(({ server }) => server),
        isComplete: all.length === listed.length,
      });
    }),
});
