// The deployment files fit the processes: every configuration file passes the schema of its process, and every variable is
// one that the process reads.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { readConfig } from "@gantry/core/config/read.ts";
import { notifySchema } from "@gantry/notify-agent/config.ts";
import { portalConfig } from "@gantry/portal-api/config.ts";
import { agentConfig } from "@gantry/task-agent/config.ts";
import { runnerConfigSchema } from "@gantry/task-runner/config.ts";
import { parse, parseAllDocuments } from "yaml";

const run = promisify(execFile);
const DEPLOY = fileURLToPath(new URL("../../deploy/", import.meta.url));
const SCHEMAS = {
  "task-agent": agentConfig,
  "task-runner": runnerConfigSchema,
  "notify-agent": notifySchema,
  "portal-api": portalConfig,
};
const SECRET = "a-secret-that-is-long-enough";

type Env = { readonly [name: string]: string };

/** Reads the configuration of a process: variables of the image, variables of the deployment, and its file. */
function check(process: string, env: Env, text: string | undefined, where: string): void {
  const schema = SCHEMAS[process as keyof typeof SCHEMAS];
  assert.ok(schema, `${where}: unknown process ${process}`);
  const prefix = `GANTRY_${process.toUpperCase().replaceAll("-", "_")}`;
  const given = Object.fromEntries(
    Object.entries({ ...IMAGE, ...env }).filter(([name]) => name.startsWith(`${prefix}_`)),
  );
  const asked = new Set<string>();
  const watched = new Proxy(given, {
    get: (target, name) => {
      asked.add(String(name));
      return target[String(name)];
    },
  });
  const readFile = (path: string): string => (/runner-?(s\/)?tokens/.test(path) ? `{"${SECRET}":"seoul"}` : SECRET);
  readConfig(schema, { file: text === undefined ? undefined : { name: where, text }, env: watched, prefix, readFile });
  for (const name of Object.keys(given)) assert.ok(asked.has(name), `${where}: no process reads ${name}`);
}

const IMAGE: Env = Object.fromEntries(
  [...readFileSync(`${DEPLOY}Dockerfile`, "utf8").matchAll(/\b(GANTRY_\w+)=(\S+)/g)].map(
    ([, name = "", value = ""]) => [name, value],
  ),
);

test("deployed: compose", () => {
  const { services } = parse(readFileSync(`${DEPLOY}compose.yaml`, "utf8"), { merge: true }) as {
    services: Record<string, { command: string[]; image: string; environment?: object; volumes?: string[] }>;
  };
  for (const [name, { command, image, environment, volumes }] of Object.entries(services)) {
    if (!image.includes("GANTRY_IMAGE")) continue;
    const env = Object.entries(environment ?? {}).map(([key, value]) => [key, String(value)]);
    const [, file] =
      /^\.\/(\S+):\/etc\/gantry\//.exec(volumes?.find((one) => one.includes("/etc/gantry/")) ?? "") ?? [];
    const text = file === undefined ? undefined : readFileSync(`${DEPLOY}${file}`, "utf8");
    const settings = Object.fromEntries(env) as Env;
    check(command[0] ?? "", { ...settings, ...portOf(settings) }, text, `compose.yaml: ${name}`);
  }
});

/** Compose substitutes the port; here the default is used. */
function portOf(env: Env): Env {
  return Object.fromEntries(
    Object.entries(env).map(([name, value]) => [name, value.replace(/\$\{\w+:-(\w+)\}/, "$1")]),
  );
}

const PAGE = readFileSync(fileURLToPath(new URL("../../docs/processes.md", import.meta.url)), "utf8");

for (const [, text = "", process = ""] of PAGE.matchAll(/```yaml\n(# ([\w-]+)\.yaml\n[^`]*)```/g)) {
  test(`the example of a ${process} for several machines can be used, and other machines reach it`, () => {
    const schema = SCHEMAS[process as keyof typeof SCHEMAS];
    const file = { name: `docs/processes.md: ${process}`, text };
    const config = readConfig(schema, { file, env: {}, prefix: "NONE", readFile: () => "" });
    assert.equal("host" in config && config.host, "0.0.0.0");
  });
}

type Manifest = {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly containers: readonly [
          { readonly name: string; readonly env?: readonly { readonly name: string; readonly value?: string }[] },
        ];
      };
    };
  };
};

for (const values of readdirSync(`${DEPLOY}helm/gantry/ci`)) {
  test(`deployed: chart with ${values}`, async (t) => {
    const argv = ["template", "demo", `${DEPLOY}helm/gantry`, "--kube-version", "1.31.0"];
    let output = "";
    try {
      output = (await run("helm", [...argv, "-f", `${DEPLOY}helm/gantry/ci/${values}`], { maxBuffer: 1 << 24 })).stdout;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return t.skip("helm is not installed");
      throw error;
    }
    const all = parseAllDocuments(output).map((document) => document.toJS() as Manifest);
    const sets = all.filter(({ kind }) => kind === "StatefulSet");
    assert.ok(sets.length > 0);
    for (const { metadata, spec } of sets) {
      const [{ name, env }] = spec.template.spec.containers;
      const config = all.find((one) => one.kind === "ConfigMap" && one.metadata.name === metadata.name);
      // Kubernetes sets the name of the pod.
      const settings = (env ?? []).map((one) => [one.name, one.value ?? `${metadata.name}-0`]);
      check(name, Object.fromEntries(settings) as Env, config?.data?.[`${name}.yaml`], `${values}: ${metadata.name}`);
    }
  });
}
