// The flags of `gantry init`.

import { FORMS, PROVIDERS } from "../init/answers.ts";
import type { Flags } from "./command.ts";

export const INIT_FLAGS = {
  form: { type: "string", values: FORMS, summary: "how it runs (default all-in-one)" },
  site: {
    type: "string",
    multiple: true,
    value: "SITE",
    summary: "a site that builds and deploys; may be given several times (default main)",
  },
  url: { type: "string", value: "URL", summary: "the address that people open (default http://127.0.0.1:PORT)" },
  port: { type: "string", value: "N", summary: "port of the portal (default 8080)" },
  "agent-port": { type: "string", value: "N", summary: "port of the task-agent (default 7001)" },
  "notify-port": { type: "string", value: "N", summary: "port of the notify-agent (default 7002)" },
  isolation: {
    type: "string",
    values: ["sandbox", "container", "none"],
    summary: "of scripts; see docs/runner.md (default sandbox)",
  },
  git: { type: "string", value: "PROVIDER=URL", summary: `the git host: ${PROVIDERS.join(", ")}` },
  "git-user": { type: "string", value: "NAME", summary: "Gantry's account there" },
  "git-project": {
    type: "string",
    multiple: true,
    value: "PROJECT",
    summary: "a project with repositories of apps; may be given several times (default APPS)",
  },
  harbor: { type: "string", multiple: true, value: "[SITE=]URL", summary: "Harbor" },
  "harbor-user": { type: "string", value: "NAME", summary: "Gantry's account there (default robot$gantry)" },
  registry: { type: "string", multiple: true, value: "[SITE=]URL", summary: "a registry instead of Harbor" },
  "registry-user": { type: "string", value: "NAME", summary: "Gantry's account there (default gantry)" },
  argocd: { type: "string", multiple: true, value: "[SITE=]URL", summary: "Argo CD" },
  nexus: { type: "string", multiple: true, value: "[SITE=]URL", summary: "Nexus; optional" },
  "nexus-user": { type: "string", value: "NAME", summary: "Gantry's account there (default gantry)" },
  sonarqube: { type: "string", multiple: true, value: "[SITE=]URL", summary: "SonarQube; optional" },
  jira: { type: "string", value: "URL", summary: "Jira; optional" },
  "jira-user": { type: "string", value: "NAME", summary: "Gantry's account there" },
  mail: { type: "string", value: "HOST", summary: "mail server; optional" },
  "mail-from": { type: "string", value: "ADDRESS", summary: "sender of mails" },
  "mail-to": { type: "string", multiple: true, value: "ADDRESS", summary: "who gets mails" },
  sso: { type: "string", value: "URL", summary: "an OIDC issuer; optional" },
  "sso-client": { type: "string", value: "ID", summary: "Gantry's client there (default gantry)" },
  force: { type: "boolean", summary: "overwrite configuration files, not secrets" },
} as const satisfies Flags;
