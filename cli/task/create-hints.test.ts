import assert from "node:assert/strict";
import { test } from "node:test";
import type { TemplatesView } from "@gantry/wire/agent/templates.ts";
import { createHints } from "./create-hints.ts";

const READ: TemplatesView = {
  read: {
    at: "2026-01-02T03:04:05.000Z",
    project: "TEMPLATES",
    templates: [
      {
        ...{ name: "java-service", title: "Java", summary: "", kind: "source", deploy: "java-service-deploy" },
        ...{ params: { javaVersion: { type: "integer" } }, state: "same" },
      },
    ],
    projects: [],
    clusters: [{ site: "main", names: ["production"] }],
  },
};
const GIVEN = { template: "java-service", set: ["javaVersion=21"], target: ["main/production"] };

test("app create hints at what the last list does not have", () => {
  assert.deepEqual(createHints(READ, GIVEN), []);
  assert.deepEqual(createHints({}, { ...GIVEN, template: "other" }), []);
  const hints = createHints(READ, { template: "java-servise", set: [], target: ["main/prodution", "other/x"] });
  assert.deepEqual(hints, [
    "There is no template java-servise in TEMPLATES, as read at 2026-01-02T03:04:05.000Z (did you mean java-service?).",
    "Argo CD does not show the cluster main/prodution, as read at 2026-01-02T03:04:05.000Z (did you mean main/production?).",
  ]);
  assert.match(createHints(READ, { ...GIVEN, set: ["javaVerson=21"] })[0] ?? "", /did you mean javaVersion\?/);
});
