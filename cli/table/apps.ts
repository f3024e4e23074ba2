// Commands about apps and their builds.

import { command } from "./command.ts";
import { FILE_FLAGS, FOLLOW_FLAG, LOOK_FLAGS, OPTIONAL_FILE_FLAGS, PARAM_FLAG } from "./flags.ts";

export const APPS = [
  command({
    name: "app list",
    summary: "list the apps that you may see",
    portal: true,
    isDefault: true,
    run: async (call) => (await import("../app/app.ts")).listApps(call),
  }),
  command({
    name: "app view",
    summary: "show an app with its record",
    args: ["APP"],
    portal: true,
    examples: ["app view orders"],
    run: async (call) => (await import("../app/app.ts")).viewApp(call),
  }),
  command({
    name: "app pipelines",
    summary: "show what Run CI, Run CD and the other buttons of an app start",
    args: ["APP"],
    portal: true,
    examples: ["app pipelines orders"],
    run: async (call) => (await import("../app/app-pipelines.ts")).showAppPipelines(call),
  }),
  command({
    name: "app create",
    summary: "create an app with its repositories, from a template",
    details:
      "The shipped pipeline needs --jira-key. `gantry templates list` lists the templates, `gantry pipeline show create-app` all parameters and what this installation offers.",
    args: ["APP"],
    flags: {
      title: { type: "string", value: "TEXT", summary: "display name (default: the name of the app)" },
      "jira-key": { type: "string", value: "KEY", summary: "key of its Jira project, such as ORD" },
      template: { type: "string", value: "TEMPLATE", summary: "the template that it is created from" },
      set: { type: "string", multiple: true, value: "NAME=VALUE", summary: "what the template asks for" },
      target: { type: "string", multiple: true, value: "SITE/CLUSTER", summary: "where it will run" },
      ...PARAM_FLAG,
      ...FOLLOW_FLAG,
    },
    portal: true,
    examples: [
      "app create payments --title Payments --jira-key PAY --follow",
      "app create ledger --jira-key LED --template java-service --set javaVersion=21 --target main/production",
      "pipeline show create-app   # all parameters",
    ],
    run: async (call) => (await import("../task/start-task.ts")).createApp(call),
  }),
  command({
    name: "app adopt",
    summary: "adopt apps that you already have",
    details:
      "With --from, Gantry looks at the repositories and at the Argo CD of each site, shows what it found and where, and asks. With --file, the app is as the file says; one that Gantry knows already, with another record, is an error. A line of --from-file is SYSTEM/PROJECT/SLUG, and if needed yaml=, branch=, folder=, name=, team= and site=.",
    flags: { ...LOOK_FLAGS, ...OPTIONAL_FILE_FLAGS },
    portal: true,
    examples: [
      "app adopt --from bitbucket/SHOP/orders --yaml SHOP/deployments",
      "app adopt --from bitbucket/SHOP/orders --write orders.yaml",
      "app adopt --from-file repositories.txt --yaml SHOP/deployments --write apps.yaml",
      "app adopt -f apps.yaml --dry-run",
    ],
    run: async (call) => (await import("../app/app.ts")).adoptApps(call),
  }),
  command({
    name: "app apply",
    summary: "adopt and change apps until they are as the files say",
    flags: FILE_FLAGS,
    portal: true,
    examples: ["app apply -f apps.yaml --dry-run", "app apply -f apps.yaml"],
    run: async (call) => (await import("../app/app.ts")).applyApps(call),
  }),
  command({
    name: "app export",
    summary: "print apps as a file for `gantry app apply`",
    args: ["[APP…]"],
    portal: true,
    examples: ["app export > apps.yaml"],
    run: async (call) => (await import("../app/app.ts")).exportApps(call),
  }),
  command({
    name: "app rename",
    summary: "give an app another name; names in other systems stay",
    args: ["APP", "NEW-NAME"],
    portal: true,
    run: async (call) => (await import("../app/app.ts")).renameApp(call),
  }),
  command({
    name: "app forget",
    summary: "forget an app; nothing outside of Gantry changes, except with --undo",
    details:
      "When the creation of an app has failed, --undo deletes exactly what it made, and then forgets the app. Afterwards it cannot be undone any more.",
    args: ["APP"],
    flags: {
      undo: { type: "boolean", summary: "delete what the failed creation of the app made, too" },
      ...FOLLOW_FLAG,
    },
    portal: true,
    examples: ["app forget orders", "app forget orders --undo --follow"],
    run: async (call) => (await import("../app/app.ts")).forgetApp(call),
  }),
  command({
    name: "ci",
    summary: "build and test an app (the button Run CI)",
    args: ["APP"],
    flags: {
      ref: { type: "string", value: "REF", summary: "branch, tag or commit (default: the release branch)" },
      ...PARAM_FLAG,
      ...FOLLOW_FLAG,
    },
    portal: true,
    examples: ["ci orders --follow", "ci orders --ref feature/tax"],
    run: async (call) => (await import("../task/start-task.ts")).runCi(call),
  }),
  command({
    name: "cd",
    summary: "deploy a build of an app (the button Run CD)",
    args: ["APP"],
    flags: {
      build: { type: "string", value: "N", summary: "number of the build (default: the newest of the release branch)" },
      target: { type: "string", multiple: true, value: "NAME", summary: "deploy only this target (default: all)" },
      "override-reason": {
        type: "string",
        value: "TEXT",
        summary: "deploy although the policy of an environment refuses it; the reason is audited",
      },
      ...PARAM_FLAG,
      ...FOLLOW_FLAG,
    },
    portal: true,
    examples: [
      "cd orders --follow",
      "cd orders --build 12 --target seoul",
      "build list orders   # what there is to deploy",
    ],
    run: async (call) => (await import("../task/start-task.ts")).runCd(call),
  }),
  command({
    name: "build list",
    summary: "list the builds of an app, or of all apps that you may see, newest first",
    args: ["[APP]"],
    flags: {
      branch: { type: "string", value: "NAME", summary: "only builds of this branch" },
      limit: { type: "string", value: "N", summary: "the most to list (default 20)" },
    },
    portal: true,
    examples: ["build list orders", "build list --branch main"],
    run: async (call) => (await import("../app/builds.ts")).listBuilds(call),
  }),
];
