// What `kustomize/set-image` writes in odd layouts, byte for byte.

import assert from "node:assert/strict";
import { test } from "node:test";
import { GantryError } from "@gantry/core/errors.ts";
import { setImage } from "./set-image.ts";

const OLD = `sha256:${"a".repeat(64)}`;
const NEW = `sha256:${"b".repeat(64)}`;
const edit = { image: "web", newName: "harbor.example/web", digest: NEW };
const REST = "replicas:\n- name: x\n  count: 9007199254740993\nl: [ 0xFF,1e3 ]\n";

test("only the entry changes, in every layout of the list", () => {
  const set = `newName: harbor.example/web\n  digest: ${NEW}\n`;
  const flow = `newName: harbor.example/web, digest: "${NEW}"`;
  const rows: readonly (readonly [text: string, edited: string])[] = [
    ["images:\n- name: web\n", `images:\n- name: web\n  ${set}`],
    [
      "images:\n- name: web\n  newTag: v1 # c\n",
      `images:\n- name: web\n  digest: ${NEW} # c\n  newName: harbor.example/web\n`,
    ],
    ["images:\n- newTag: v1\n  name: web\n", `images:\n- digest: ${NEW}\n  name: web\n  newName: harbor.example/web\n`],
    [
      `images:\n- newTag: v1\n  digest: ${OLD} # c\n  name: web\n`,
      `images:\n- digest: ${NEW} # c\n  name: web\n  newName: harbor.example/web\n`,
    ],
    [
      `images:\n- name: web\n  newTag: v1\n  digest: "${OLD}"\n  newName: 'x'\n`,
      `images:\n- name: web\n  digest: "${NEW}"\n  newName: 'harbor.example/web'\n`,
    ],
    [
      "images:\n- {name: web, newTag: v1} # c\n",
      `images:\n- {name: web, digest: "${NEW}", newName: harbor.example/web} # c\n`,
    ],
    [
      `images:\n- {newTag: v1, name: web, digest: ${OLD}}\n`,
      `images:\n- {name: web, digest: "${NEW}", newName: harbor.example/web}\n`,
    ],
    [
      `images:\n- {name: web, digest: ${OLD}, newTag: v1, }\n`,
      `images:\n- {name: web, digest: "${NEW}", newName: harbor.example/web, }\n`,
    ],
    // Comments beside a tag that goes stay.
    [
      `images:\n- {name: web, # name\n  newTag: v1, digest: ${OLD}}\n`,
      `images:\n- {name: web, # name\n  digest: "${NEW}", newName: harbor.example/web}\n`,
    ],
    [
      `images:\n- {newTag: v1, # tag\n  name: web, digest: ${OLD}}\n`,
      `images:\n- { # tag\n  name: web, digest: "${NEW}", newName: harbor.example/web}\n`,
    ],
    [
      `images:\n- {name: web, newName: x, digest: ${OLD}, # old\n  newTag: v1 }\n`,
      `images:\n- {name: web, newName: harbor.example/web, digest: "${NEW}", # old\n   }\n`,
    ],
    [
      `images:\n- {name: web, # name\n  newTag: v1, # tag\n  digest: ${OLD}}\n`,
      `images:\n- {name: web, # name\n   # tag\n  digest: "${NEW}", newName: harbor.example/web}\n`,
    ],
    ["images: []\n", `images: [{name: web, ${flow}}]\n`],
    ["images: [{name: log}] # c\n", `images: [{name: log}, {name: web, ${flow}}] # c\n`],
    ["images:\n", `images:\n  - name: web\n    newName: harbor.example/web\n    digest: ${NEW}\n`],
    ["images: ~ # c\n", `images: # c\n  - name: web\n    newName: harbor.example/web\n    digest: ${NEW}\n`],
    [
      "images:\n  -   name: log\n\n# c\n",
      `images:\n  -   name: log\n  - name: web\n    newName: harbor.example/web\n    digest: ${NEW}\n\n# c\n`,
    ],
    [
      "images:\n- name: web\n  newTag: &v v1\n",
      `images:\n- name: web\n  digest: ${NEW}\n  newName: harbor.example/web\n`,
    ],
    [
      "images:\n- name: web\n  newName: &n old\nx: *n\n",
      `images:\n- name: web\n  newName: &n harbor.example/web\n  digest: ${NEW}\nx: *n\n`,
    ],
    ["images:\n- name: web\n  newTag:\n", `images:\n- name: web\n  digest: ${NEW}\n  newName: harbor.example/web\n`],
    [
      "images:\n- name: web\n  newTag: |\n    v1\n",
      `images:\n- name: web\n  digest: ${NEW}\n  newName: harbor.example/web\n`,
    ],
    ["images: &i\n- &e\n  name: web\n", `images: &i\n- &e\n  name: web\n  ${set}`],
    [
      "---\nimages: # c\n    - name: web\n---\n",
      `---\nimages: # c\n    - name: web\n      newName: harbor.example/web\n      digest: ${NEW}\n---\n`,
    ],
  ];
  for (const [before, after] of rows) {
    for (const end of ["\n", "\r\n"]) {
      const [text, edited] = [before, after].map((one) => (REST + one).replaceAll("\n", end));
      // A file that begins with a document marker has nothing before it.
      const [from, to] = before.startsWith("---") ? [before, after] : [text ?? "", edited ?? ""];
      assert.equal(setImage("k.yaml", from, edit).text, to, before);
      assert.equal(setImage("k.yaml", to, edit).changed, false, before);
    }
  }
});

test("what would change something else is refused with its line", () => {
  const refused: readonly (readonly [text: string, problem: RegExp])[] = [
    ["images:\n- name: web\n  newTag: &v v1\nlabels:\n  version: *v\n", /^line 2: the entry of web cannot be edited/],
    ["x: &i []\nimages: *i\n", /^line 2: images is the alias \*i; write the list here$/],
    ["x: &e {name: web}\nimages:\n- *e\n", /^line 3: an entry of images is the alias \*e; write it here$/],
    ["images: text\n", /^line 1: images is not a list$/],
    ["images:\n- text\n", /^line 2: an entry of images is not a mapping$/],
    ["images:\n- name: web\n- name: web\n", /^line 3: images has several entries named web$/],
    ["a: 1\n---\nb: 2\n", /^line 2: the file holds several documents: .*; a kustomization file has one$/],
    [
      "images:\n- name: q\n  newTag: &v 0\n- name: web\n  newTag: &v 1\n- name: r\n  newTag: *v\n",
      /^line 4: the entry of web/,
    ],
    [
      "x: &b {name: web}\nimages:\n- newTag: v2\n  <<: *b\n",
      /^line 4: name comes from the merge key <<; write it here$/,
    ],
    ["images:\n- name: web\n  <<: {newTag: v1}\n", /^line 3: newTag comes from the merge key <</],
    ["images:\n- name: web\n  <<: [{a: 1}, {newTag: v1}]\n", /^line 3: newTag comes from the merge key <</],
    ["x: &b {images: [{name: web}]}\n<<: *b\n", /^line 2: images comes from the merge key <</],
    ["- a\n", /it is not a kustomization file/],
    ["kind: Deployment\n", /its kind is "Deployment"/],
    ["a: b: c\n", /^line 1: /],
  ];
  for (const [text, problem] of refused) {
    assert.throws(
      () => setImage("k.yaml", text, edit),
      (error) =>
        error instanceof GantryError && error.code === "file-invalid" && problem.test(String(error.details.problem)),
      text,
    );
  }
});

test("an entry that would change the image of another one, or be changed by it, is refused", () => {
  const chained = "images:\n- name: api\n  newName: web\n- name: nginx\n";
  const after = `images:\n- name: web\n  newTag: v1\n- name: harbor.example/web\n  newTag: v1\n`;
  const before = "line 2: the entry of api names its image web, so it would change too; give it another newName";
  const rows: readonly (readonly [text: string, problem: string])[] = [
    [chained, before],
    [`${chained}- name: web\n`, before],
    [after, "line 4: this entry would change the image harbor.example/web again; remove it"],
  ];
  for (const [text, problem] of rows) {
    assert.throws(
      () => setImage("k.yaml", text, edit),
      (error) => error instanceof GantryError && error.details.problem === problem,
      text,
    );
  }
  const own =
    "images:\n- name: api\n  newName: x\n- name: harbor.example/web\n  newTag: v1\n- name: web\n  newName: web\n";
  assert.ok(setImage("k.yaml", own, edit).changed);
});
