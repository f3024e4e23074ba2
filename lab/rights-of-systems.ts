// Writes the tables of docs/rights-of-systems.md from connectors/rights.ts. Run it after each change of a right.

import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { ACCESS, RIGHTS, type Right } from "@gantry/connectors/rights.ts";
import type { SystemKind } from "@gantry/core/site/systems.ts";

export const RIGHTS_PAGE = fileURLToPath(new URL("../docs/rights-of-systems.md", import.meta.url));

const TITLES: { readonly [K in SystemKind]: string } = {
  git: "Git host",
  harbor: "Harbor",
  registry: "Another registry, instead of Harbor",
  argocd: "Argo CD",
  nexus: "Nexus (optional)",
  sonarqube: "SonarQube (optional)",
  jira: "Jira (optional)",
};
const MARK = "<!-- The tables below are made from connectors/rights.ts: node lab/rights-of-systems.ts -->\n";

/** The page with its tables as connectors/rights.ts has them. */
export async function rightsPage(): Promise<string> {
  const [before = ""] = (await readFile(RIGHTS_PAGE, "utf8")).split(MARK);
  const kinds = Object.entries(TITLES) as [SystemKind, string][];
  const tables = kinds.map(([kind, title]) => `## ${title}\n\n${tableOf(RIGHTS[kind])}`);
  return `${before}${MARK}\n## Every system\n\n${tableOf(ACCESS)}\n${tables.join("\n")}`;
}

function tableOf(rights: Readonly<Record<string, Right>>): string {
  const rows = Object.values(rights).map((one) => `| ${one.may} | ${one.for} | ${howOf(one)} | ${one.tested} |\n`);
  return `| the account … | needed for | how to give it | how it is tested |\n|---|---|---|---|\n${rows.join("")}`;
}

function howOf({ how }: Right): string {
  if (typeof how === "string") return how;
  return Object.entries(how)
    .map(([provider, words]) => `\`${provider}\`: ${words}`)
    .join("<br>");
}

if (import.meta.main) await writeFile(RIGHTS_PAGE, await rightsPage());
