// What belongs to an app whose projects, applications and namespaces do not have its name.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Resource } from "@gantry/core/step/resource.ts";
import { outsideApp } from "./decide-outside.ts";

const record = {
  name: "shop",
  namespace: "shop",
  argocd: { project: "orders" },
  sonarqube: { project: "orders" },
  targets: [
    { name: "seoul", site: "seoul", cluster: "c", application: "orders-live", namespace: "orders" },
    { name: "tokyo", site: "tokyo", cluster: "d" },
  ],
};
const ask = (resource: Resource, site = "seoul"): string | undefined =>
  outsideApp(
    {
      spec: {
        app: "shop",
        site,
        scope: { app: record },
        definition: { origin: "platform", app: "existing" },
      } as never,
      isSiteWide: false,
      config: { shared: { repositories: [], images: [] }, systems: {} },
      made: [],
    },
    [resource],
  );

test("an adopted or renamed app has the names that its record says, and not those of its own name", () => {
  const own: readonly Resource[] = [
    { kind: "argocd-project", access: "change", project: "orders" },
    { kind: "argocd-application", access: "change", app: "orders-live", project: "orders" },
    { kind: "sonarqube-project", access: "change", key: "orders:feature" },
    { kind: "destination", access: "change", cluster: "c", namespace: "orders" },
  ];
  for (const one of own) assert.equal(ask(one), undefined, JSON.stringify(one));
  const inTokyo: Resource = { kind: "destination", access: "change", cluster: "d", namespace: "shop" };
  assert.equal(ask(inTokyo, "tokyo"), undefined);
  const others: readonly Resource[] = [
    { kind: "argocd-project", access: "change", project: "shop" },
    { kind: "argocd-application", access: "change", app: "orders-live", project: "shop" },
    { kind: "sonarqube-project", access: "change", key: "shop" },
    { kind: "destination", access: "change", cluster: "c", namespace: "shop" },
    { kind: "destination", access: "change", cluster: "d", namespace: "orders" },
    // Another cluster of this name, where the namespace may be that of another app.
    inTokyo,
    { kind: "destination", access: "read", cluster: "d" },
  ];
  for (const one of others) assert.match(ask(one) ?? "", /does not belong to the app shop/, JSON.stringify(one));
});

test("for an app that may be adopted, only what the site lets apps have is read, also by a pipeline without an app", () => {
  const read = (slug: string, definition: object): string | undefined =>
    outsideApp(
      {
        spec: { site: "seoul", scope: {}, definition } as never,
        isSiteWide: true,
        config: {
          shared: { repositories: ["SECRET/*"], images: [] },
          systems: { git: { kind: "git", url: "https://git.example", appsMay: ["SHOP/*", "TEAM/{app}-*"] } as never },
        },
        made: [],
      },
      [
        {
          kind: "repository",
          access: "read",
          project: slug.split("/")[0] ?? "",
          slug: slug.split("/")[1] ?? "",
          forApp: "till",
        },
      ],
    );
  const platform = { origin: "platform", app: "none" };
  for (const slug of ["SHOP/orders", "shop/Orders", "TEAM/till-deploy"])
    assert.equal(read(slug, platform), undefined, slug);
  for (const slug of ["SECRET/orders", "TEAM/other-deploy", "SHOP/.."])
    assert.match(read(slug, platform) ?? "", /^The site does not let apps have the repository/, slug);
});
