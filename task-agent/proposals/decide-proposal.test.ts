// Where Gantry looks for an app, and for which places it does not look.

import assert from "node:assert/strict";
import { test } from "node:test";
import { GantryError } from "@gantry/core/errors.ts";
import type { StartProposal } from "@gantry/wire/agent/proposals.ts";
import type { SiteView } from "@gantry/wire/agent/sites/views.ts";
import { decideLook } from "./decide-proposal.ts";

const system = (name: string, kind: string): SiteView["systems"][number] =>
  ({ name, kind }) as SiteView["systems"][number];
const ALL = [system("bitbucket", "git"), system("harbor", "harbor"), system("argocd", "argocd")];
const site = (name: string, systems = ALL, state: SiteView["state"] = "online") => ({ name, state, systems });
const SITES = [
  site("tokyo"),
  site("seoul"),
  site("platform", [system("bitbucket", "git")]),
  site("busan", ALL, "offline"),
];
const lists = (...appsMay: readonly string[]) => [{ name: "bitbucket", kind: "git", appsMay }];

const request = (more: Partial<StartProposal> = {}): StartProposal => ({
  ...{ name: "orders", principal: "kim", source: { system: "bitbucket", project: "SHOP", slug: "orders" } },
  ...more,
});
const decide = (more: Partial<StartProposal>, systemsAt: Parameters<typeof decideLook>[1]["systemsAt"] = undefined) =>
  decideLook(request(more), { sites: SITES, systemsAt });
const refusal = (...given: Parameters<typeof decide>): readonly (readonly [string | undefined, string])[] => {
  const decided = decide(...given);
  assert.ok(decided instanceof GantryError && decided.code === "bad-request", JSON.stringify(decided));
  return decided.problems.map(({ pointer, detail }) => [pointer, detail]);
};

test("the sites that could build the app are those that are online with its git host and a registry", () => {
  assert.deepEqual(decide({}), { site: "seoul", buildSites: ["seoul", "tokyo"], argocdSites: ["tokyo", "seoul"] });
  assert.deepEqual(decide({ site: "tokyo" }), { site: "tokyo", buildSites: [], argocdSites: ["tokyo", "seoul"] });
});

test("only sites where the person may adopt the app are looked at", () => {
  assert.deepEqual(decide({ sites: ["tokyo"] }), { site: "tokyo", buildSites: ["tokyo"], argocdSites: ["tokyo"] });
  assert.match(String(refusal({ sites: ["tokyo"], site: "seoul" })), /there is no site seoul/);
});

test("a site that is unknown or offline, and a git host that no site has, are told", () => {
  assert.match(String(refusal({ site: "soul" })), /^\/site,there is no site soul \(did you mean seoul\?\)/);
  assert.deepEqual(refusal({ site: "busan" }), [["/site", "no runner of the site busan is online."]]);
  const elsewhere = { system: "gitlab", project: "SHOP", slug: "orders" };
  assert.match(
    String(refusal({ source: elsewhere })),
    /^\/source\/system,no site .* git host gitlab; git hosts: bitbucket\.$/,
  );
});

test("a git host of the yaml repository, or of a site that is given, that is not there is told", () => {
  const yaml = { system: "bitbuket", project: "SHOP", slug: "deploy" };
  const detail = "the site seoul has no git host bitbuket (did you mean bitbucket?); its git hosts: bitbucket.";
  assert.deepEqual(refusal({ yaml }), [["/yaml/system", detail]]);
  assert.deepEqual(refusal({ yaml, site: "seoul" }), [["/yaml/system", detail]]);
  const source = { system: "gitlab", project: "SHOP", slug: "orders" };
  assert.deepEqual(
    refusal({ source, site: "seoul" }).map(([pointer]) => pointer),
    ["/source/system"],
  );
});

test("a repository that no site lets the app have is refused, and a site that does not is not chosen", () => {
  const yaml = { project: "SECRET", slug: "deploy" };
  const [problem] = refusal({ yaml }, () => lists("SHOP/*"));
  assert.equal(problem?.[0], "/yaml/slug");
  assert.match(problem?.[1] ?? "", /the site seoul does not let this app have the repository secret\/deploy/);
  const decided = decide({}, (one) => lists(one === "tokyo" ? "SHOP/{app}" : "APPS/*"));
  assert.deepEqual(decided, { site: "tokyo", buildSites: ["tokyo"], argocdSites: ["tokyo", "seoul"] });
});
