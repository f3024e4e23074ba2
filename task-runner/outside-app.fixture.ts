// A site whose outside systems refuse everything, and a runner that works there for the app orders.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import { STEPS } from "@gantry/connectors/steps.ts";
import type * as wire from "@gantry/wire/runner/protocol.ts";
import type { FakeAgent, uses } from "./fake-agent.fixture.ts";
import { openTestRunner } from "./runner.fixture.ts";

const steps = await Promise.all(Object.values(STEPS).map((load) => load()));
export const DIGEST = `sha256:${"ab".repeat(32)}`;
export const COMMIT = "c0".repeat(20);

export const ORDERS = {
  name: "orders",
  title: "Orders",
  source: { system: "git", project: "APPS", slug: "orders", url: "https://git.example/orders" },
  yaml: { system: "git", project: "APPS", slug: "orders-deploy", url: "https://git.example/orders-deploy" },
  image: { name: "orders", repository: "apps/orders" },
  harbor: { project: "apps" },
  jira: { key: "ORD" },
  build: { site: "seoul" },
  namespace: "orders",
  targets: [{ name: "seoul", site: "seoul", cluster: "seoul-dp", overlay: "overlays/seoul-dp" }],
  facts: {},
};

export type Input = wire.JobSpec["scope"];
export type Definition = NonNullable<wire.JobSpec["definition"]>;
export const OWN: Definition = { origin: "app", app: "existing" };
export const PLATFORM: Definition = { origin: "platform", app: "existing" };

export type RefusingSite = {
  readonly agent: FakeAgent;
  /** Addresses that the outside systems were asked for. */
  readonly asked: string[];
  readonly url: string;
  readonly run: (
    steps: readonly ReturnType<typeof uses>[],
    definition?: Definition,
    more?: Partial<wire.JobSpec>,
  ) => Promise<wire.ReportRequest>;
};

/** `appsMay` of systems, and `namespaces`. */
type Lists = { readonly [system: string]: readonly string[] };

/** How a git host lists the branches of a repository that has none. */
const EMPTY_REPOSITORY = "001e# service=git-upload-pack\n00000000";
/** Paths of Argo CD and Bitbucket, whose steps take a status as a sign of a start, and an answer without data as final. */
const ANSWERED_WITHOUT_DATA = /^\/(?:api\/v1|rest\/api\/latest)\//;

/** Every outside system of the site is one server that refuses everything. */
export async function openRefusingSite(t: TestContext, config: object = {}, lists: Lists = {}): Promise<RefusingSite> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? "");
    // Only answers that no server gives while it starts: a step would wait 10 s for another one.
    if (request.url?.includes("/info/refs")) {
      response.writeHead(200, { "content-type": "application/x-git-upload-pack-advertisement" }).end(EMPTY_REPOSITORY);
      return;
    }
    const status = ANSWERED_WITHOUT_DATA.test(request.url ?? "") ? 200 : 400;
    response.writeHead(status, { "content-type": "application/json" }).end("{}");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { agent } = await openTestRunner(t, {
    steps,
    config: {
      systems: {
        git: { kind: "git", provider: "bitbucket-dc", url, username: "gantry", token: "GIT", appsMay: lists.git },
        other: { kind: "git", provider: "bitbucket-dc", url, username: "gantry", token: "GIT" },
        harbor: { kind: "harbor", url, username: "gantry", password: "HARBOR" },
        argocd: { kind: "argocd", url, token: "ARGOCD", appsMay: lists.argocd, namespaces: lists.namespaces },
        jira: { kind: "jira", flavour: "data-center", url, token: "JIRA", lead: "kim", appsMay: lists.jira },
        sonar: { kind: "sonarqube", url, token: "SONAR" },
      },
      secrets: {
        GIT: { env: "CREDENTIAL" },
        HARBOR: { env: "CREDENTIAL" },
        ARGOCD: { env: "CREDENTIAL" },
        JIRA: { env: "CREDENTIAL" },
        SONAR: { env: "CREDENTIAL" },
        SIGNING_KEY: { env: "SIGNING", apps: ["orders"] },
        OTHER_KEY: { env: "SIGNING", apps: ["payments"] },
      },
      ...config,
    },
    env: { CREDENTIAL: "credential-of-the-site", SIGNING: "signing-key-of-orders" },
  });
  const run: RefusingSite["run"] = async (jobSteps, definition = OWN, more = {}) => {
    const scope = { params: {}, app: ORDERS, task: { id: "t1" }, site: "seoul", ...more.scope };
    const job = agent.offer({ steps: [...jobSteps], definition, ...more, scope });
    return agent.reported(job);
  };
  return { agent, asked, run, url };
}

export const repository = (slug: string, more: Input = {}): Input => ({
  system: "git",
  project: "APPS",
  slug,
  ...more,
});
