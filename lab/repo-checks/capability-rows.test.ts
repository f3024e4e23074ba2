// What a pipeline, its triggers and its people must be able to do, row by row, with the tests that show it. Each test has the row in
// its title: whoever removes or renames the last one of a row sees it here.

import assert from "node:assert/strict";
import { test } from "node:test";
import { sources } from "./sources.ts";

type Row = { readonly what: string; readonly tests: readonly string[] };

const ROWS: Readonly<Record<string, Row>> = {
  A1: { what: "a task is answered at once, and one key starts one", tests: ["task-agent/agent.test.ts"] },
  A2: { what: "its state is followed", tests: ["task-agent/agent.test.ts", "portal-api/live/live.test.ts"] },
  A3: { what: "its history only grows", tests: ["task-agent/runner-protocol/protocol-table.test.ts"] },
  A4: { what: "jobs in an order, and beside each other", tests: ["cli/pipeline/language.system.ts"] },
  A5: { what: "scripts, with params only by variables", tests: ["cli/import/import.test.ts"] },
  A6: { what: "steps are listed with their schemas", tests: ["cli/pipeline/steps.test.ts"] },
  A7: { what: "operations of runners", tests: ["cli/site/runner-operations.system.ts"] },
  A8: { what: "what runs after a failure", tests: ["cli/pipeline/language.system.ts"] },
  A9: { what: "a time limit ends the whole group of processes", tests: ["task-runner/runner-stops.test.ts"] },
  A10: {
    what: "cancel before and while it runs",
    tests: ["task-agent/agent.test.ts", "task-runner/runner-stops.test.ts"],
  },
  A11: { what: "a schedule for one time", tests: ["task-agent/triggers/schedules.test.ts"] },
  A12: { what: "cron until a date", tests: ["cli/pipeline/triggers.test.ts", "task-agent/triggers/schedules.test.ts"] },
  A13: { what: "progress of what takes long", tests: ["task-runner/script-commands.test.ts"] },
  A14: { what: "a job for one runner", tests: ["task-agent/dispatch/work.test.ts"] },
  A15: { what: "hand-over with leases and fences", tests: ["task-agent/agent.test.ts"] },
  A16: { what: "a dead runner leaves no task behind", tests: ["task-agent/runner-protocol/protocol-table.test.ts"] },
  A17: { what: "retry", tests: ["task-runner/steps/step-retry.test.ts"] },
  A18: { what: "priority", tests: ["task-agent/dispatch/priority.test.ts"] },
  A19: { what: "expiry", tests: ["task-agent/dispatch/priority.test.ts"] },
  A20: { what: "callbacks", tests: ["lab/e2e/callbacks.test.ts", "console/browser/tasks.system.ts"] },
  A21: { what: "logs", tests: ["cli/task/task.test.ts", "task-runner/hostile-scripts.test.ts"] },
  A22: { what: "results", tests: ["lab/e2e/callbacks.test.ts", "task-runner/runner.test.ts"] },
  A23: { what: "rerun", tests: ["cli/task/rerun.test.ts"] },
  B1: { what: "inputs by a schema", tests: ["task-agent/agent.test.ts"] },
  B2: { what: "references", tests: ["cli/pipeline/language.system.ts", "cli/import/claiflow.system.ts"] },
  B3: { what: "one job per element", tests: ["cli/pipeline/language.system.ts", "cli/import/claiflow.system.ts"] },
  B4: { what: "what is hidden", tests: ["cli/import/claiflow.system.ts"] },
  B5: { what: "conditions", tests: ["cli/import/claiflow.system.ts"] },
  B6: { what: "texts with values, which are never evaluated", tests: ["cli/import/claiflow.system.ts"] },
  B7: { what: "filters", tests: ["cli/pipeline/language.system.ts"] },
  B9: { what: "catalogues of others", tests: ["cli/import/import.test.ts"] },
  B11: { what: "variables of the system", tests: ["task-runner/runner-scripts.test.ts"] },
  C2: { what: "one request for many", tests: ["cli/pipeline/children.test.ts", "task-agent/children/fan-out.test.ts"] },
  I7: { what: "the plan before the press", tests: ["cli/task/approvals.test.ts"] },
  I8: { what: "rerun from anywhere", tests: ["cli/task/approvals.test.ts", "cli/pipeline/children.test.ts"] },
  I11: { what: "why it waits", tests: ["task-agent/agent.test.ts", "cli/task/task.test.ts"] },
};

/** Rows without a capability, and so without a test. A row leaves this list with the first test that bears it. */
const NOT_BUILT: Readonly<Record<string, string>> = {
  B8: "a request with a script or one step in place of a pipeline",
  B10: "command packs: Kubernetes, Helm, Prometheus, Alertmanager, Grafana, OpenStack",
};

const titlesIn = (path: string): readonly string[] => {
  const file = sources(/\.ts$/).find((one) => one.path === path);
  assert.ok(file, `${path} is not there`);
  return [...file.text.matchAll(/\b(?:test|describe)\(\s*(["'`])(.+?)\1/g)].map(([, , title]) => title ?? "");
};

const bears = (title: string, row: string): boolean => new RegExp(`(?<![A-Za-z0-9])${row}(?![A-Za-z0-9])`).test(title);

for (const [row, { what, tests }] of Object.entries(ROWS)) {
  test(`row ${row}, ${what}: its tests bear it`, () => {
    const without = tests.filter((path) => !titlesIn(path).some((title) => bears(title, row)));
    assert.deepEqual(without, [], `no title of a test in these files names ${row}`);
  });
}

test("a row that is not built has no test yet", () => {
  const titles = sources(/\.(test|system|suite|faults)\.ts$/).flatMap(({ path }) => titlesIn(path));
  const built = Object.keys(NOT_BUILT).filter((row) => titles.some((title) => bears(title, row)));
  assert.deepEqual(built, [], "these rows have tests now: give each its line in ROWS");
});
