// Renders the chart with the real helm.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { promisify } from "node:util";
import { parseAllDocuments } from "yaml";
import { isHere, ROOT } from "./files.fixture.ts";

const run = promisify(execFile);

export const CHART = `${ROOT}deploy/helm/gantry`;
/** The file names of the example values. */
export const VALUES = readdirSync(`${CHART}/ci`);
export const KUBERNETES = ["--kube-version", "1.31.0"];

/** The path of helm; undefined when it is not installed. */
export async function findHelm(): Promise<string | undefined> {
  const places = ["helm", join(homedir(), "go/bin/helm")];
  for (const place of places)
    if ((place === "helm" || existsSync(place)) && (await isHere(place, "version"))) return place;
  return undefined;
}

/** The same for a test, which is skipped without helm. */
export async function helmFor(t: Pick<TestContext, "skip">): Promise<string | undefined> {
  const helm = await findHelm();
  if (helm === undefined) t.skip("helm is not on this machine");
  return helm;
}

/** The objects of the chart with one of the example values. `more`: further arguments of helm, which take precedence. */
export async function render<M>(helm: string, values: string, ...more: string[]): Promise<readonly M[]> {
  const fixed = ["template", "demo", CHART, ...KUBERNETES, "--namespace", "gantry", "-f", `${CHART}/ci/${values}`];
  const { stdout } = await run(helm, [...fixed, ...more], { maxBuffer: 16 * 1024 * 1024 });
  return parseAllDocuments(stdout).flatMap((document) => {
    assert.deepEqual(document.errors, [], "two keys of one name, or broken YAML");
    const manifest = document.toJS() as M | null;
    return manifest === null ? [] : [manifest];
  });
}
