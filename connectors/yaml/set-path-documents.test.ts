// Which document and which element `yaml/edit` chooses.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { DocumentSelector } from "./document.ts";
import { refusal, set } from "./set-path.fixture.ts";

const MANIFESTS = `# the app
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 1 # few
---
apiVersion: v1
kind: Service
metadata:
  name: web
---
# nothing here
---
kind: Deployment
metadata:
  name: log
spec:
  replicas: 0x1
`;

test("a document is chosen by what is written, and by what YAML reads there", () => {
  const written = [
    ...["007", "7", "0x1F", "1e3", "1_000", "0.10", "true", "True", "yes", "2026-01-02", "12:30", "'007'", '"on"'],
    ...["9007199254740993", "-0", ".inf", "0o17", "web", "&a 010", "!!str 008"],
  ];
  for (const name of written) {
    const file = `kind: A\nmetadata: {name: ${name}}\n---\nkind: A\nmetadata: {name: other}\n`;
    const asked = name.replace(/^(&a|!!str) /, "").replace(/^['"](.*)['"]$/, "$1");
    assert.equal(set(file, "x", 1, { name: asked }), file.replace("}\n---", "}\nx: 1\n---"), name);
  }
  for (const name of ["null", "~", ""]) {
    const file = `metadata: {name: ${name}}\n---\na: 1\n`;
    assert.match(
      refusal(() => set(file, "x", 1, { name: name || "null" })),
      /^no document has name/,
    );
  }
});

test("one of several documents is chosen by kind, name, namespace, apiVersion or index", () => {
  const web = MANIFESTS.replace("replicas: 1 #", "replicas: 3 #");
  const log = MANIFESTS.replace("replicas: 0x1", "replicas: 3");
  const rows: readonly (readonly [DocumentSelector, string])[] = [
    [{ kind: "Deployment", name: "web" }, web],
    [{ kind: "Deployment", name: "log" }, log],
    [{ name: "log" }, log],
    [{ namespace: "shop" }, web],
    [{ apiVersion: "apps/v1" }, web],
    [{ index: 0 }, web],
    [{ index: 2 }, log],
    [{ index: 2, kind: "Deployment" }, log],
  ];
  for (const [selector, edited] of rows) assert.equal(set(MANIFESTS, "spec.replicas", 3, selector), edited);
  const refused: readonly (readonly [DocumentSelector | undefined, RegExp])[] = [
    [
      undefined,
      /^line \d+: the file holds several documents: 0: Deployment web, 1: Service web, 2: Deployment log; say which one/,
    ],
    [{ kind: "Deployment" }, /^line \d+: several documents have kind Deployment$/],
    [
      { kind: "Job" },
      /^no document has kind Job; the file holds 0: Deployment web, 1: Service web, 2: Deployment log$/,
    ],
    [{ index: 3 }, /^no document has index 3/],
  ];
  for (const [selector, problem] of refused)
    assert.match(
      refusal(() => set(MANIFESTS, "a", 1, selector)),
      problem,
    );
  assert.equal(set("---\na: 1\n---\n", "a", 2), "---\na: 2\n---\n", "empty documents do not count");
  assert.equal(set("a: 1\n---\nb: 2\n", "c", 3, { index: 0 }), "a: 1\nc: 3\n---\nb: 2\n");
});

test("an element must be clear: none and several are refused with the line", () => {
  const text = "l:\n- name: a\n- name: b\n- name: a\n- 5\n- name: 7\n";
  assert.match(
    refusal(() => set(text, "l[name=a].x", 1)),
    /^line 4: l has several elements with name a$/,
  );
  assert.match(
    refusal(() => set(text, "l[name=c].x", 1)),
    /^line 2: l has no element with name c$/,
  );
  assert.match(
    refusal(() => set(text, "l[9]", 1)),
    /^line 2: l has no element 9$/,
  );
  assert.match(
    refusal(() => set(text, "l.x", 1)),
    /^line 2: l is not a mapping$/,
  );
  assert.equal(set(text, "l[name=7].x", 1), `${text}  x: 1\n`);
});
