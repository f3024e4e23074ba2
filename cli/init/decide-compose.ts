// compose.yaml of an installation, as deploy/compose.yaml but with its own sites. Pure.

import { type Answers, allSites } from "./answers.ts";
import { secretsAt, secretsOf } from "./decide-systems.ts";

const PROCESS = {
  image: "${GANTRY_IMAGE:-gantry:0.1.0}",
  restart: "unless-stopped",
  read_only: true,
  tmpfs: ["/tmp"],
  cap_drop: ["ALL"],
  security_opt: ["no-new-privileges:true"],
  stop_grace_period: "30s",
};
const HEALTH = { interval: "10s", timeout: "5s", retries: 3, start_period: "30s", start_interval: "1s" };

export function composeFile(answers: Answers): object {
  const sites = allSites(answers);
  const services = {
    ...platformServices(answers, sites),
    ...Object.fromEntries(sites.map((site) => [`runner-${site}`, runnerService(answers, site)])),
  };
  const files = [
    "platform-token",
    "runner-tokens.json",
    ...sites.map((site) => `runner-${site}`),
    ...secretsOf(answers).map(({ file }) => file),
  ];
  const named = (names: readonly string[], content: (name: string) => object): object =>
    Object.fromEntries(names.map((name) => [name, content(name)]));
  return {
    name: "gantry",
    services,
    secrets: named(files, (file) => ({ file: `./secrets/${file}` })),
    volumes: named(Object.keys(services), () => ({})),
    networks: named(["platform-plane", ...sites], () => ({})),
  };
}

function service(name: string, more: object): object {
  return { ...PROCESS, volumes: [`${name}:/var/lib/gantry`], ...more };
}

function config(file: string, as: string): string {
  return `./${file}:/etc/gantry/${as}.yaml:ro`;
}

function health(...test: string[]): object {
  return { ...HEALTH, test: ["CMD", "gantry-entry", ...test] };
}

function platformServices(answers: Answers, sites: readonly string[]): object {
  return {
    "task-agent": service("task-agent", {
      command: ["task-agent"],
      environment: {
        GANTRY_TASK_AGENT_PORTAL_URL: answers.url,
        GANTRY_TASK_AGENT_TOKEN_FILE: "/run/secrets/platform-token",
        GANTRY_TASK_AGENT_RUNNER_TOKENS_FILE: "/run/secrets/runner-tokens.json",
        GANTRY_TASK_AGENT_ALLOW_PLAIN_HTTP: "true",
        GANTRY_TASK_AGENT_PARAMS: "/etc/gantry/params.yaml",
      },
      secrets: ["platform-token", "runner-tokens.json"],
      volumes: ["task-agent:/var/lib/gantry", config("params.yaml", "params")],
      networks: ["platform-plane", ...sites],
      healthcheck: health("health", "task-agent"),
    }),
    "notify-agent": service("notify-agent", {
      command: ["notify-agent"],
      environment: {
        GANTRY_NOTIFY_AGENT_TOKEN_FILE: "/run/secrets/platform-token",
        GANTRY_NOTIFY_AGENT_ALLOW_PLAIN_HTTP: "true",
        GANTRY_NOTIFY_AGENT_AGENT_URL: "http://task-agent:7001",
        GANTRY_NOTIFY_AGENT_AGENT_TOKEN_FILE: "/run/secrets/platform-token",
        GANTRY_NOTIFY_AGENT_PORTAL_URL: answers.url,
      },
      secrets: ["platform-token"],
      volumes: ["notify-agent:/var/lib/gantry", config("notify-agent.yaml", "notify-agent")],
      networks: ["platform-plane"],
      healthcheck: health("health", "notify-agent"),
    }),
    "portal-api": service("portal-api", {
      command: ["portal-api"],
      environment: {
        GANTRY_PORTAL_API_ALLOW_PLAIN_HTTP: "true",
        GANTRY_PORTAL_API_AGENT_URL: "http://task-agent:7001",
        GANTRY_PORTAL_API_AGENT_TOKEN_FILE: "/run/secrets/platform-token",
        GANTRY_PORTAL_API_NOTIFY_URL: "http://notify-agent:7002",
        GANTRY_PORTAL_API_NOTIFY_TOKEN_FILE: "/run/secrets/platform-token",
      },
      secrets: [
        "platform-token",
        ...secretsOf(answers)
          .filter(({ site }) => site === undefined)
          .map(({ file }) => file),
      ],
      ports: [`127.0.0.1:${answers.ports.portal}:8080`],
      volumes: ["portal-api:/var/lib/gantry", config("portal-api.yaml", "portal-api")],
      networks: ["platform-plane"],
      healthcheck: health("health", "portal-api"),
    }),
  };
}

function runnerService(answers: Answers, site: string): object {
  const files = secretsAt(answers, site);
  return service(`runner-${site}`, {
    command: ["task-runner"],
    secrets: [`runner-${site}`, ...files.map(({ file }) => file)],
    volumes: [`runner-${site}:/var/lib/gantry`, config(`runner-${site}.yaml`, "task-runner")],
    networks: [site],
    healthcheck: health("ready", "task-runner"),
  });
}
