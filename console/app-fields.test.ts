// The form of an app: what it shows, what it sends, where errors are shown.

import assert from "node:assert/strict";
import { test } from "node:test";
import { SITES } from "./data.fixture.ts";
import { appBody, appErrors, appFields, entriesOf } from "./src/pages/app-fields.ts";

const record = {
  title: "Orders",
  labels: { tier: "1", area: "shop" },
  source: { system: "git", project: "APPS", slug: "orders", branch: "main", folder: "x" },
  targets: [{ name: "seoul" }],
};
const fields = appFields(SITES, false);

test("sites are offered, and typed where nobody knows them", () => {
  assert.equal(fields.find(({ name }) => name === "build.site")?.kind, "choice");
  assert.equal(appFields([], true).find(({ name }) => name === "build.site")?.kind, "text");
});

test("an app that is not changed sends what it has; what was emptied is removed", () => {
  const entries = entriesOf(fields, { record });
  const { source, labels, targets } = appBody(fields, entries, { record });
  assert.deepEqual(
    { source, labels, targets },
    { source: record.source, labels: record.labels, targets: record.targets },
  );
  const changed = { ...entries, "source.folder": "", labels: '{"tier": "2"}' };
  const body = appBody(fields, changed, { record });
  assert.deepEqual(body.source, { ...record.source, folder: null });
  assert.deepEqual(body.labels, { tier: "2", area: null });
});

test("a new app sends only what was filled in", () => {
  assert.deepEqual(appBody(appFields([], true), { name: "orders", "source.slug": "orders", targets: "[1" }), {
    name: "orders",
    source: { slug: "orders" },
    targets: "[1",
  });
});

test("errors are shown at their field, with the place inside it", () => {
  const errors = [
    { pointer: "/app/targets/0/site", detail: "there is no site x." },
    { pointer: "/source/branch", detail: "wrong." },
    { pointer: "/app", detail: "other." },
  ];
  assert.deepEqual(appErrors(fields, errors), {
    targets: ["0.site: there is no site x."],
    "source.branch": ["wrong."],
    "": ["other."],
  });
});
