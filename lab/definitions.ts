// The definitions of `gantry start`: the pipelines that ship, as a company would fork them, with a params.yaml of the lab.

import { copyFileSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { stringify } from "yaml";

const SHIPPED = fileURLToPath(new URL("../pipelines/", import.meta.url));

/**
 * Writes them anew below `dir`, and returns their folder. Other files that somebody has put there stay. `clusters`: site → its
 * cluster.
 */
export function writeLabDefinitions(dir: string, clusters: Readonly<Record<string, string>>): string {
  const folder = join(dir, "definitions");
  mkdirSync(join(folder, "pipelines"), { recursive: true });
  for (const file of readdirSync(SHIPPED).filter((name) => name.endsWith(".yaml")))
    copyFileSync(join(SHIPPED, file), join(folder, "pipelines", file));
  writeFileSync(join(folder, "params.yaml"), stringify(paramsOf(clusters)));
  return folder;
}

function paramsOf(clusters: Readonly<Record<string, string>>): object {
  const sites = Object.keys(clusters);
  return {
    "create-app": {
      template: { default: "web-service", choices: ["web-service", "java-service", "static-site"] },
      targets: { default: Object.entries(clusters).map(([site, cluster]) => `${site}/${cluster}`) },
      ...(sites.length === 0 ? {} : { buildSite: { default: sites[0], choices: sites } }),
      project: { default: "APPS" },
      templates: { default: "TEMPLATES" },
    },
  };
}
