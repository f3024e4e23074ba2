// What can run in the tests that attack an agent.

import type { Pipeline } from "@gantry/core/pipeline/pipeline.ts";
import { job, pipeline } from "@gantry/core/task/task.fixture.ts";
import type { Definitions } from "../tasks/definitions.ts";

export const SITES = ["seoul", "busan"] as const;

const PARAMS = {
  type: "object",
  properties: { targets: { type: "array", items: { type: "string" }, "x-ui": "target" }, text: { type: "string" } },
  required: [],
  additionalProperties: false,
} as const;

const REST = { when: undefined, timeoutMs: undefined, env: {} };

/** One pipeline per site, each with one job named `work` with the steps `make` and `test`. */
const OF_SITES = SITES.map((site) => {
  const action = { kind: "uses" as const, uses: "test/step", with: {} };
  const steps = ["make", "test"].map((id) => ({ id, title: id, ...REST, action }));
  return pipeline([job("work", { site, mode: "strict", steps })], { name: site, params: PARAMS });
});

/** The pipeline `scripts` has one job named `work` for busan, with these scripts as steps. */
function scriptsPipeline(scripts: Readonly<Record<string, string>>): Pipeline {
  const steps = Object.entries(scripts).map(([id, run]) => ({
    id,
    title: id,
    ...REST,
    action: { kind: "run" as const, run, shell: "sh" as const, workingDirectory: undefined },
  }));
  return pipeline([job("work", { site: "busan", steps })], { name: "scripts" });
}

/** A pipeline's version is its name. */
export function definitionsOf(scripts: Readonly<Record<string, string>>): Definitions {
  const all = new Map([...OF_SITES, scriptsPipeline(scripts)].map((one) => [one.name, one]));
  return {
    list: () => [...all.values()].map((one) => ({ pipeline: one, version: one.name })),
    current: (name) => {
      const found = all.get(name);
      return found && { pipeline: found, version: found.name };
    },
    pinned: async (version) => {
      const found = all.get(version);
      if (!found) throw new Error(`no definition ${version}`);
      return found;
    },
    steps: [],
  };
}
