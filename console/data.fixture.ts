// What the fixture's portal answers beside tasks: apps, pipelines, sites, the inbox and a log.

import type { AppProposal } from "@gantry/wire/agent/proposals.ts";
import type { SiteView } from "@gantry/wire/agent/sites/views.ts";
import type { AppView, BuildView, PipelineView } from "@gantry/wire/agent/views.ts";
import type { InboxItem } from "@gantry/wire/notify/views.ts";
import { at, COMMIT, DIGEST } from "./tasks.fixture.ts";

const record = (name: string, title: string): AppView["record"] => ({
  title,
  source: { project: "APPS", slug: name, url: `http://git.example/projects/APPS/repos/${name}`, branch: "main" },
  yaml: {
    project: "APPS",
    slug: `${name}-deploy`,
    url: `http://git.example/projects/APPS/repos/${name}-deploy`,
    branch: "main",
  },
  jira: { key: "ORD", url: "http://jira.example/browse/ORD" },
  build: { site: "seoul" },
  namespace: name,
  targets: [
    { name: "seoul", site: "seoul", cluster: "seoul-dp", overlay: "overlays/seoul-dp" },
    { name: "tokyo", site: "tokyo", cluster: "tokyo-dp", overlay: "overlays/tokyo-dp" },
  ],
});
const facts = { image: "harbor.seoul.example/apps/orders", digest: DIGEST, commit: COMMIT };

export const APPS: readonly AppView[] = [
  {
    name: "orders",
    state: "ready",
    createdBy: "dana",
    createdAt: at(504),
    task: "t0create",
    record: record("orders", "Orders"),
    facts,
    latest: { cd: "t0cd-held", ci: "t0ci-failed" },
    deployed: {
      seoul: { build: 12, task: "t0cd-held", by: "dana", at: at(3), outcome: "succeeded" },
      tokyo: { build: 11, task: "t0cd-held", by: "dana", at: at(50), outcome: "succeeded" },
    },
    live: { state: "degraded", counts: { healthy: 1, degraded: 1 } },
  },
  {
    name: "payments",
    state: "ready",
    createdBy: "lee",
    createdAt: at(90_000),
    task: "t0create",
    record: record("payments", "Payments"),
    facts,
    latest: { cd: "t0cd-running" },
  },
  {
    name: "search",
    state: "failed",
    createdBy: "lee",
    createdAt: at(3_700),
    task: "t0create-errored",
    record: {},
    facts: {},
    latest: {},
  },
];

export const PIPELINES: readonly PipelineView[] = [
  {
    name: "create-app",
    title: "Create app",
    summary: "Creates the source repository, the yaml repository and the Jira project of a new app.",
    button: "Create app",
    app: "new",
    version: DIGEST,
    params: {
      type: "object",
      required: ["name", "title"],
      properties: {
        name: { type: "string", title: "Name", description: "Lower case letters, digits and hyphens.", minLength: 3 },
        title: { type: "string", title: "Title", description: "What people call the app." },
        template: {
          type: "string",
          title: "Template",
          enum: ["web-service", "worker"],
          default: "web-service",
          "x-ui": "template",
        },
        templateParams: {
          type: "array",
          title: "Params of the template",
          items: { type: "string" },
          default: [],
          "x-ui": "template-params",
        },
        targets: {
          type: "array",
          title: "Targets",
          items: { type: "string" },
          default: ["seoul/seoul-dp", "tokyo/tokyo-dp"],
          "x-ui": "target",
        },
      },
    },
    jobs: [
      {
        id: "source",
        title: "Source repository",
        needs: [],
        site: "platform",
        steps: [{ id: "repository", title: "Create the source repository", uses: "git/create-repository" }],
      },
    ],
  },
  {
    name: "cd",
    title: "CD",
    summary: "Writes the images of a build into the yaml repository and lets Argo CD bring it to the chosen targets.",
    button: "Run CD",
    app: "existing",
    version: DIGEST,
    params: {
      type: "object",
      properties: {
        build: {
          type: "string",
          title: "Build",
          description: "The newest of the release branch if nothing is given.",
          default: "",
          "x-ui": "build",
        },
        targets: {
          type: "array",
          title: "Targets",
          items: { type: "string" },
          default: "${{ app.targets.map(t, t.name) }}",
          "x-ui": "target",
        },
      },
    },
    jobs: [
      {
        id: "commit",
        title: "Commit",
        needs: [],
        site: "${{ app.build.site }}",
        steps: [{ id: "push", title: "Commit and push", uses: "git/commit-push" }],
      },
      {
        id: "deploy",
        title: "Deploy",
        needs: ["commit"],
        site: "${{ each.site }}",
        steps: [{ id: "sync", title: "Sync", uses: "argocd/sync" }],
      },
    ],
  },
];

export const SITES: readonly SiteView[] = [
  {
    name: "tokyo",
    state: "online",
    runners: [
      {
        name: "tokyo-1",
        site: "tokyo",
        state: "silent",
        labels: ["site-tokyo"],
        slots: 4,
        busy: 1,
        version: "0.1.0",
        host: { name: "vm-7", platform: "linux-x64", cpus: 8, memoryMb: 16_384 },
        lastHeardAt: at(45),
      },
      {
        name: "tokyo-2",
        site: "tokyo",
        state: "online",
        labels: ["site-tokyo"],
        runs: ["build"],
        keyFingerprint: "SHA256:Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6",
        slots: 4,
        busy: 0,
        version: "0.1.0",
        host: { name: "vm-8", platform: "linux-x64", cpus: 8, memoryMb: 16_384 },
        lastHeardAt: at(1),
        asked: { to: "drain", state: "drained", by: "kim", at: at(10), reason: "new disk" },
      },
    ],
    systems: [{ name: "argocd", kind: "argocd", url: "http://argocd.tokyo.example", standIn: true }],
    queue: [
      {
        task: "t0ci-waiting",
        job: "build",
        waiting: {
          code: "no-runner",
          text: "Waiting for a runner with the label `buildah`: the 2 runners there do not have the label.",
          since: at(30),
        },
      },
    ],
  },
];

export const INBOX: readonly InboxItem[] = [
  {
    id: "2",
    at: at(60),
    rule: "held",
    state: "held",
    title: "? Run CD: orders is held",
    text: "Runner tokyo-1 was lost while the job ran.",
    facts: [["App", "orders"]],
    task: "t0cd-held",
    app: "orders",
  },
  {
    id: "1",
    at: at(240),
    rule: "task-ended",
    state: "failed",
    title: "✕ Run CI: orders failed",
    text: "1 of 42 tests failed.",
    facts: [
      ["App", "orders"],
      ["Took", "48 s"],
    ],
    task: "t0ci-failed",
    app: "orders",
  },
];

const ESC = "\u001b";
/** What the script of a test wrote, with what it should not have written. */
export const SUMMARY = `# Tests :x:

**41 of 42** tests passed, see the [report](https://ci.example/report "Report") or \`npm test\`.

| suite | passed | failed |
|:--|--:|--:|
| money | 30 | **1** |
| orders | 11 | 0 |

1. Rounding
   - [x] half down
   - [ ] half up
2. Totals

> Flaky in the last week: ~~none~~ *one*.

\`\`\`diff
- 1.24
+ 1.25
\`\`\`

---

<script>alert(1)</script> <img src="https://evil.example/x.png"> ![pixel](https://evil.example/p.png) [run](javascript:alert(1))
`;

export const LOG = [
  `${ESC}[1m> orders@1.0.0 test${ESC}[0m`,
  "> node --test",
  ...Array.from({ length: 90 }, (_, n) => `${ESC}[32mok ${n + 1}${ESC}[0m - case ${n + 1} of the suite`),
  `${ESC}[33mWarning: the clock of the runner is 3 s behind${ESC}[0m`,
  `${ESC}[31mnot ok 17 - rounds half up${ESC}[0m`,
  "  Error: expected 3, got 2",
  '  <img src=x onerror="alert(1)"><script>alert(2)</script>',
  "  see http://docs.example/rounding",
  "# fail 1",
  "",
].join("\n");

const built = (number: number, fields: Partial<BuildView> = {}): BuildView => ({
  number,
  app: "orders",
  commit: COMMIT,
  branch: "main",
  subject: "Round half a cent to even",
  author: "Kim",
  images: [{ name: "orders", repository: "apps/orders", image: "harbor.seoul.example/apps/orders", digest: DIGEST }],
  scan: { severity: "Low", report: "http://harbor.seoul.example/report" },
  gate: { status: "OK" },
  task: "t0ci-waiting",
  by: "kim",
  at: "2026-11-20T07:00:00Z",
  runsIn: number === 11 ? ["tokyo"] : number === 12 ? ["seoul"] : [],
  isRelease: true,
  unmet: {},
  ...fields,
});
/** Of the app orders: one that prod does not take, one that runs, and one of another branch. */
export const BUILDS: readonly BuildView[] = [
  built(13, { branch: "feature/round", isRelease: false, scan: { severity: "Critical" } }),
  built(12, {
    tests: { passed: 90, failed: 0, skipped: 2 },
    unmet: { tokyo: ["The scan of build #12 found Critical vulnerabilities, and prod takes no critical ones"] },
  }),
  built(11),
];

/** What Gantry has found of an app that could be adopted. */
export const PROPOSAL: AppProposal = {
  ...{ id: "t0look", state: "ready", name: "tills", site: "seoul" },
  source: { system: "bitbucket", project: "SHOP", slug: "tills" },
  app: {
    title: "Tills",
    source: { system: "bitbucket", project: "SHOP", slug: "tills", branch: "trunk" },
    build: { site: "seoul" },
    yaml: { system: "bitbucket", project: "SHOP", slug: "deployments", branch: "main", form: "plain" },
    targets: [{ name: "seoul", site: "seoul", cluster: "seoul-dp", files: ["tills.yaml"] }],
    argocd: { project: "shop" },
  },
  found: [
    { pointer: "/source/branch", from: "default branch of SHOP/tills" },
    { pointer: "/targets/0/files", from: "names shop/tills", file: "tills.yaml", line: 14 },
  ],
  open: [
    {
      ...{ pointer: "/targets/0", kind: "unclear", problem: "Nothing says where tills.yaml runs." },
      options: [
        { name: "seoul", site: "seoul", cluster: "seoul-dp" },
        { name: "tokyo", site: "tokyo", cluster: "tokyo-dp" },
      ],
    },
  ],
  warnings: ["Dockerfile.dev is left out: its name says that it is not released."],
};
