// A fleet for the tests of the console: one target of each kind.

import type { FleetView, TargetView } from "@gantry/wire/agent/fleet.ts";

const at = (minutes: number): string => new Date(Date.now() - minutes * 60_000).toISOString();
const digest = (digit: string): string => `sha256:${digit.repeat(64)}`;

function target(app: string, site: string, changes: Partial<TargetView> = {}): TargetView {
  return {
    ...{ app, team: "shop", target: site, site, cluster: `${site}-dp`, namespace: app, environment: "prod" },
    application: `${app}-${site}-dp`,
    state: "healthy",
    since: at(180),
    health: "Healthy",
    healthSince: at(180),
    sync: "Synced",
    syncSince: at(180),
    autoSync: true,
    revisions: ["c0ffee0c0ffee0c0ffee0c0ffee0c0ffee0c0ffe"],
    images: [`harbor.${site}.example/apps/${app}@${digest("a")}`],
    running: {
      build: 12,
      commit: "bef505c1bef505c1",
      subject: "Round half up",
      url: "http://git.example/commits/bef505c",
    },
    conditions: [],
    reasons: [],
    system: `${site}-argocd`,
    heardAt: at(0),
    url: `http://argocd.${site}.example/applications/argocd/${app}-${site}-dp`,
    ...changes,
  };
}

const TARGETS: readonly TargetView[] = [
  target("orders", "seoul"),
  target("orders", "tokyo", {
    state: "degraded",
    health: "Degraded",
    since: at(3),
    reason: "Deployment orders: Back-off pulling image: not found",
    reasons: [{ kind: "Deployment", name: "orders", health: "Degraded", message: "Back-off pulling image: not found" }],
    running: { build: 13, commit: "1a2b3c4d1a2b3c4d", subject: "PAY-12: round half up everywhere" },
  }),
  target("payments", "seoul", {
    state: "out-of-sync",
    sync: "OutOfSync",
    syncSince: at(12),
    since: at(12),
    reason: "Deployment payments differs from git",
    drift: { count: 1, first: [{ kind: "Deployment", name: "payments", namespace: "payments" }] },
  }),
  target("payments", "tokyo", {
    state: "not-heard-from",
    reason: "tokyo-argocd could not be reached to list the applications.",
    notHeardSince: at(42),
    heardAt: at(42),
  }),
];

export const FLEET: FleetView = {
  items: [...TARGETS],
  total: TARGETS.length,
  counts: { healthy: 1, degraded: 1, "out-of-sync": 1, "not-heard-from": 1 },
  sources: [
    {
      ...{ site: "seoul", system: "seoul-argocd", heardAt: at(0), runner: "seoul-1", applications: 3 },
      unmatched: { count: 1, first: ["legacy-shop"] },
    },
    {
      ...{
        site: "tokyo",
        system: "tokyo-argocd",
        heardAt: at(42),
        notHeardSince: at(42),
        runner: "tokyo-1",
        applications: 2,
      },
      problem: "tokyo-argocd could not be reached to list the applications.",
      unmatched: { count: 0, first: [] },
    },
  ],
};

export function targetsOf(app: string): { readonly items: readonly TargetView[] } {
  return { items: TARGETS.filter((one) => one.app === app) };
}
