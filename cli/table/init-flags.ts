// The flags of `gantry init`.

import { GIT_PROVIDERS } from "@gantry/core/site/git-providers.ts";
import { FORMS } from "../init/answers.ts";
import type { Flags } from "./command.ts";

const PER_SITE = "SITE=URL";

export const INIT_FLAGS = {
  // What `gantry init` checks itself, to name all mistakes at once, is not checked here.
  form: { type: "string", value: "FORM", summary: `how it runs: ${FORMS.join(", ")} (default all-in-one)` },
  site: { type: "string", multiple: true, value: "SITE", summary: "a site that builds and deploys (default main)" },
  url: { type: "string", value: "URL", summary: "the address that people open (default http://127.0.0.1:PORT)" },
  port: { type: "string", value: "N", summary: "port of the portal (default 8080)" },
  "agent-port": { type: "string", value: "N", summary: "port of the task-agent (default 7001)" },
  "notify-port": { type: "string", value: "N", summary: "port of the notify-agent (default 7002)" },
  isolation: {
    type: "string",
    value: "HOW",
    summary: "of scripts: sandbox (default), container or none; see docs/runner.md",
  },
  git: { type: "string", value: "PROVIDER=URL", summary: `the git host; PROVIDER is ${GIT_PROVIDERS.join(", ")}` },
  "git-user": { type: "string", value: "NAME", summary: "user name of Gantry's account there" },
  "git-project": {
    type: "string",
    multiple: true,
    value: "PROJECT",
    summary: "with the repositories of apps (default APPS)",
  },
  harbor: { type: "string", multiple: true, value: PER_SITE, summary: "Harbor; an URL alone is for the first site" },
  "harbor-user": { type: "string", value: "NAME", summary: "user name there (default robot$gantry)" },
  registry: { type: "string", multiple: true, value: PER_SITE, summary: "a registry instead of Harbor" },
  "registry-user": { type: "string", value: "NAME", summary: "user name there (default gantry)" },
  argocd: { type: "string", multiple: true, value: PER_SITE, summary: "Argo CD, in the same way" },
  "argocd-git-user": {
    type: "string",
    value: "NAME",
    summary: "Argo CD's own account at the git host, which may only read; without it, register repositories in Argo CD",
  },
  cluster: {
    type: "string",
    multiple: true,
    value: "[SITE=]NAME",
    summary: "a cluster that apps can run on, by its name in Argo CD",
  },
  templates: { type: "string", value: "PROJECT", summary: "project of the templates (default TEMPLATES)" },
  nexus: { type: "string", multiple: true, value: PER_SITE, summary: "Nexus, optional" },
  "nexus-user": { type: "string", value: "NAME", summary: "user name there (default gantry)" },
  sonarqube: { type: "string", multiple: true, value: PER_SITE, summary: "SonarQube, optional" },
  jira: { type: "string", value: "URL", summary: "Jira, optional" },
  "jira-user": { type: "string", value: "NAME", summary: "user name there" },
  mail: { type: "string", value: "HOST[:PORT]", summary: "mail server, optional" },
  "mail-from": { type: "string", value: "ADDRESS", summary: "sender of mails" },
  "mail-to": { type: "string", multiple: true, value: "ADDRESS", summary: "receiver of mails" },
  sso: { type: "string", value: "URL", summary: "an OIDC issuer, optional" },
  "sso-client": { type: "string", value: "ID", summary: "client id there (default gantry)" },
  force: { type: "boolean", summary: "overwrite configuration files, but not secrets" },
} as const satisfies Flags;
