import assert from "node:assert/strict";
import { test } from "node:test";
import type { AppState } from "@gantry/core/task/model.ts";
import { testRuns } from "@gantry/core/test-runs.fixture.ts";
import fc from "fast-check";
import { type FleetMemory, openFleetMemory } from "./fleet-memory.ts";
import type { Observation } from "./fleet-streams.ts";

const NAMES = ["shop", "billing"];
const CLUSTERS = ["east", "west"];

type ApplicationChange = {
  readonly kind: "application";
  readonly system: string;
  readonly name: string;
  readonly cluster: string;
  readonly folder: string;
  readonly repository: string;
  readonly isGone: boolean;
};
/** `clusters`: null when the app is removed. */
type AppChange = { readonly kind: "app"; readonly name: string; readonly clusters: readonly string[] | null };
type Change = ApplicationChange | AppChange;

const application: fc.Arbitrary<ApplicationChange> = fc.record({
  kind: fc.constant("application"),
  system: fc.constantFrom("argocd", "argocd-2"),
  name: fc.constantFrom("shop-east", "shop-west", "billing-east", "other"),
  cluster: fc.constantFrom(...CLUSTERS),
  folder: fc.constantFrom("overlays/east", "overlays/west"),
  repository: fc.constantFrom(...NAMES),
  isGone: fc.boolean(),
});
const app: fc.Arbitrary<AppChange> = fc.record({
  kind: fc.constant("app"),
  name: fc.constantFrom(...NAMES),
  clusters: fc.option(fc.uniqueArray(fc.constantFrom(...CLUSTERS))),
});

test("property: what is found for a target is the same whether or not it was asked for before", () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(application, app), { maxLength: 30 }), (changes) => {
      const [asked, never] = [openFleetMemory(), openFleetMemory()];
      for (const [at, change] of changes.entries()) {
        apply(asked, change, at);
        apply(never, change, at);
        findAll(asked);
      }
      assert.deepEqual(findAll(asked), findAll(never));
    }),
    { numRuns: testRuns(1_000) },
  );
});

function findAll(memory: FleetMemory) {
  return memory.targets().map((target) => [target.app, target.cluster, memory.observedFor(target)]);
}

function apply(memory: FleetMemory, change: Change, at: number): void {
  if (change.kind === "app")
    memory.setApp(change.name, change.clusters ? appOf(change.name, change.clusters) : undefined);
  else memory.setObservation(observationOf(change, at));
}

function appOf(name: string, clusters: readonly string[]): AppState {
  const targets = clusters.map((cluster) => ({ name: cluster, site: "seoul", cluster, path: `overlays/${cluster}` }));
  return {
    ...{ name, state: "ready", createdBy: "kim", createdAt: 0, task: "", facts: {}, latest: {} },
    record: { title: name, yaml: { url: repositoryOf(name), form: "kustomize" }, targets },
  };
}

function observationOf(change: ApplicationChange, at: number): Observation {
  const { system, name, cluster, folder, repository, isGone } = change;
  return {
    ...{ site: "seoul", system, healthAt: at, syncAt: at, at, ...(isGone ? { gone: true } : {}) },
    application: {
      ...{ name, namespace: "argocd", project: "default", cluster, into: repository, autoSync: true },
      sources: [{ repository: repositoryOf(repository), path: folder }],
      ...{ sync: "Synced", revisions: [], health: "Healthy", conditions: [], resources: 1, images: [], reasons: [] },
    },
  };
}

function repositoryOf(app: string): string {
  return `https://git.example/apps/${app}-deploy.git`;
}
