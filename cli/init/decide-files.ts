// Which files an installation consists of. Pure; init.ts writes them.

import { stringify } from "yaml";
import { type Answers, allSites } from "./answers.ts";
import { chartValues, secretCommands } from "./decide-chart.ts";
import { composeFile } from "./decide-compose.ts";
import { channelsOf, runnerSystems, secretsOf, signInOf } from "./decide-systems.ts";

export type File = {
  /** Below the folder of the installation. */
  readonly path: string;
  readonly content: string;
};

/** A secret is never overwritten. Without content the file is empty, and somebody has to fill it. */
export type SecretFile = { readonly path: string; readonly content: string | undefined; readonly what: string };

export type Files = { readonly files: readonly File[]; readonly secrets: readonly SecretFile[] };

/** `newToken`: makes a secret of Gantry's own. `kept`: the content of a secret file that is there, by its path. */
export function filesOf(answers: Answers, newToken: () => string, kept: (path: string) => string | undefined): Files {
  const token = (path: string): string => kept(path) ?? newToken();
  const runnerTokens = allSites(answers).map((site) => ({
    site,
    path: `secrets/runner-${site}`,
    token: token(`secrets/runner-${site}`),
  }));
  const own: SecretFile[] = [
    {
      path: "secrets/platform-token",
      content: token("secrets/platform-token"),
      what: "shared by the processes of the platform",
    },
    ...runnerTokens.map(({ site, path, token: content }) => ({
      path,
      content,
      what: `with which runners of ${site} register`,
    })),
    {
      path: "secrets/runner-tokens.json",
      content: JSON.stringify(Object.fromEntries(runnerTokens.map((one) => [one.token, one.site]))),
      what: "the same tokens, for the task-agent",
    },
  ];
  const systems = secretsOf(answers).map(({ file, what }) => ({
    path: `secrets/${file}`,
    content: kept(`secrets/${file}`),
    what,
  }));
  return { files: formFiles(answers), secrets: [...own, ...systems] };
}

function formFiles(answers: Answers): readonly File[] {
  switch (answers.form) {
    case "all-in-one":
    case "separate":
      return processFiles(answers);
    case "compose":
      return composeFiles(answers);
    case "chart":
      return [
        { path: "values.yaml", content: yaml("Values of the chart deploy/helm/gantry.", chartValues(answers)) },
        { path: "make-secrets", content: secretCommands(answers) },
      ];
  }
}

/** The files of processes on this machine: started together by `gantry start --config`, or each by itself. */
function processFiles(answers: Answers): readonly File[] {
  const { dir, ports, url } = answers;
  const secret = (name: string): string => `${dir}/secrets/${name}`;
  const agentUrl = `http://127.0.0.1:${ports.agent}`;
  const environment = {
    GANTRY_TASK_AGENT_TOKEN_FILE: secret("platform-token"),
    GANTRY_TASK_AGENT_RUNNER_TOKENS_FILE: secret("runner-tokens.json"),
    GANTRY_PORTAL_API_AGENT_TOKEN_FILE: secret("platform-token"),
    GANTRY_PORTAL_API_NOTIFY_TOKEN_FILE: secret("platform-token"),
    GANTRY_PORTAL: `http://127.0.0.1:${ports.portal}`,
    GANTRY_TOKEN_FILE: `${dir}/data/portal-api/admin-token`,
  };
  return [
    {
      path: "task-agent.yaml",
      content: yaml("The task-agent: docs/processes.md. Its tokens come from gantry.env.", {
        data: `${dir}/data/task-agent`,
        port: ports.agent,
        portalUrl: url,
        params: `${dir}/params.yaml`,
      }),
    },
    paramsFile(answers),
    {
      path: "notify-agent.yaml",
      content: yaml("The notify-agent: docs/processes.md, its channels and rules: docs/notifications.md.", {
        data: `${dir}/data/notify-agent`,
        port: ports.notify,
        portalUrl: url,
        token: { file: secret("platform-token") },
        agent: { url: agentUrl, token: { file: secret("platform-token") } },
        channels: channelsOf(answers),
      }),
    },
    {
      path: "portal-api.yaml",
      content: yaml("The portal: docs/processes.md, sign-in: docs/sign-in.md. Its tokens come from gantry.env.", {
        dataDir: `${dir}/data/portal-api`,
        port: ports.portal,
        publicUrl: url,
        agent: { url: agentUrl },
        notify: { url: `http://127.0.0.1:${ports.notify}` },
        ...signInOf(answers, secret),
      }),
    },
    ...allSites(answers).map((site) => ({
      path: `runner-${site}.yaml`,
      content: yaml(`The runner at ${site}: docs/runner.md. Its systems: docs/rights-of-systems.md.`, {
        name: `${site}-1`,
        site,
        agent: agentUrl,
        token: { file: secret(`runner-${site}`) },
        data: `${dir}/data/runner-${site}`,
        slots: answers.isolation === "container" ? 1 : 4,
        isolation: answers.isolation,
        ...runnerSystems(answers, site, secret),
      }),
    })),
    {
      path: "gantry.env",
      content: `# Environment of the processes and of the command gantry: set -a; . ${dir}/gantry.env; set +a\n${Object.entries(
        environment,
      )
        .map(([name, value]) => `${name}='${value}'\n`)
        .join("")}`,
    },
  ];
}

function composeFiles(answers: Answers): readonly File[] {
  const secret = (name: string): string => `/run/secrets/${name}`;
  const runner = (site: string): object => ({
    name: `${site}-1`,
    site,
    agent: "http://task-agent:7001",
    // The networks of compose exist on this machine only.
    allowPlainHttp: true,
    token: { file: secret(`runner-${site}`) },
    ...runnerSystems(answers, site, secret),
  });
  return [
    { path: "compose.yaml", content: yaml("docs/install.md, One machine: compose.", composeFile(answers)) },
    paramsFile(answers),
    {
      path: "notify-agent.yaml",
      content: yaml("Channels and rules: docs/notifications.md.", { channels: channelsOf(answers) }),
    },
    {
      path: "portal-api.yaml",
      content: yaml("Sign-in: docs/sign-in.md.", { publicUrl: answers.url, ...signInOf(answers, secret) }),
    },
    ...allSites(answers).map((site) => ({
      path: `runner-${site}.yaml`,
      content: yaml(`The runner at ${site}: docs/runner.md. Its systems: docs/rights-of-systems.md.`, runner(site)),
    })),
  ];
}

/** What the form of create-app offers and presets; the shipped pipelines name nothing of an installation. */
function paramsFile({ git, sites, clusters, templates }: Answers): File {
  const projects = git?.projects ?? ["APPS"];
  const [site] = sites;
  const content = {
    "create-app": {
      templates: { default: templates },
      ...(site === undefined ? {} : { buildSite: { default: site, choices: sites } }),
      project: { default: projects[0], choices: projects },
      ...(clusters.length === 0 ? {} : { targets: { default: clusters, choices: clusters } }),
    },
  };
  return { path: "params.yaml", content: yaml("What forms offer and preset: docs/definitions.md.", content) };
}

/** Lines are not folded: an address that is cut into two lines is hard to read. */
function yaml(comment: string, content: object): string {
  return `# ${comment}\n${stringify(content, { lineWidth: 0, aliasDuplicateObjects: false })}`;
}
