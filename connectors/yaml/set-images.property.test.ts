// For random files of each form: nothing but the image differs, byte for byte, and setting twice is setting once.

import assert from "node:assert/strict";
import { test } from "node:test";
import { GantryError } from "@gantry/core/errors.ts";
import { testRuns } from "@gantry/core/test-runs.fixture.ts";
import fc from "fast-check";
import { parse } from "yaml";
import { parseYaml } from "./document.ts";
import { layouts } from "./layouts.fixture.ts";
import { type Form, setImages } from "./set-images.ts";

const NEW = `sha256:${"b".repeat(64)}`;
const SHORT = "b".repeat(12);
const IMAGE = { name: "orders", repository: "harbor.example/apps/orders", digest: NEW };
const REF = `${IMAGE.repository}@${NEW}`;
const TAG = `${SHORT}@${NEW}`;

function set(form: Form, text: string): string {
  return setImages([{ name: "f.yaml", text }], { form, images: [IMAGE] }).files[0]?.text ?? text;
}

/** Any YAML in any layout, with the line ends of the file that it becomes a part of. */
const anything = layouts()
  .map(({ text }) => text.replaceAll("\r\n", "\n"))
  .filter((text) => !/^(\uFEFF|%|---|# head)|\n\.\.\.|\n---/.test(text) && isYaml(text));

/** Some layouts have an alias inside of its own anchor. */
function isYaml(text: string): boolean {
  try {
    parseYaml("f.yaml", text);
    return true;
  } catch {
    return false;
  }
}

const dressing = fc.record({
  quote: fc.constantFrom("", "'", '"'),
  comment: fc.constantFrom("", " # v1", "    # it's [ours]: x"),
  gap: fc.constantFrom(" ", "   "),
  blank: fc.constantFrom("", "\n", "\n# between\n"),
  indent: fc.constantFrom("  ", "    "),
  end: fc.constantFrom("\n", "\r\n"),
});
type Dressing = typeof dressing extends fc.Arbitrary<infer T> ? T : never;

/** An image in values: the fields before and after. */
const FIELDS: readonly ((d: Dressing) => readonly (readonly [string, string])[])[] = [
  ({ quote: q }) => [
    [`repository: ${q}${IMAGE.repository}${q}`, ""],
    [`tag: ${q}v1${q}`, `tag: ${q}${TAG}${q}`],
  ],
  ({ quote: q }) => [
    ["registry: harbor.example", ""],
    ["repository: apps/orders", ""],
    ["tag: v1", ""],
    [`digest: ${q}sha256:${"a".repeat(64)}${q}`, `digest: ${q}${NEW}${q}`],
  ],
  ({ quote: q }) => [
    [`registry: ${q}docker.io${q}`, `registry: ${q}harbor.example${q}`],
    ["repository: apps/orders", ""],
    [`tag: ${q}1.0${q}`, `tag: ${q}${TAG}${q}`],
  ],
];

function values(fields: (typeof FIELDS)[number], d: Dressing): readonly [before: string, after: string] {
  const lines = (at: 0 | 1): string =>
    fields(d)
      .map(
        ([old, now]) => `${d.indent}${(at === 1 && now !== "" ? now : old).replace(": ", `:${d.gap}`)}${d.comment}\n`,
      )
      .join(d.blank);
  return [`image:${d.comment}\n${lines(0)}`, `image:${d.comment}\n${lines(1)}`];
}

function check(form: Form, before: string, after: string, end: string): void {
  const [text, wanted] = [before, after].map((one) => one.replaceAll("\n", end));
  assert.equal(set(form, text ?? ""), wanted);
  assert.equal(set(form, wanted ?? ""), wanted);
}

test("Helm values: only the fields of the image differ", () => {
  fc.assert(
    fc.property(fc.constantFrom(...FIELDS), dressing, anything, (fields, d, rest) => {
      const [before, after] = values(fields, d);
      check("helm", before + d.blank + rest, after + d.blank + rest, d.end);
    }),
    { numRuns: testRuns(150) },
  );
});

test("plain manifests: only the image of the container differs, and other documents stay", () => {
  const manifest = (image: string, d: Dressing): string =>
    `apiVersion: apps/v1\nkind: Deployment\n${d.blank}spec:\n${d.indent}template:\n${d.indent}  spec:\n${d.indent}    containers:${d.comment}\n${d.indent}    - name: web\n${d.blank}${d.indent}      image:${d.gap}${image}${d.comment}\n`;
  fc.assert(
    fc.property(dressing, anything, anything, (d, first, last) => {
      const file = (image: string): string =>
        `${closed(first)}---\n${manifest(`${d.quote}${image}${d.quote}`, d)}---\n${last}`;
      check("plain", file(`${IMAGE.repository}:v1`), file(REF), d.end);
    }),
    { numRuns: testRuns(150) },
  );
});

test("Argo CD applications: only the fields of the image differ, in a text and in an object", () => {
  fc.assert(
    fc.property(fc.constantFrom(...FIELDS), fc.boolean(), dressing, anything, (fields, isText, d, rest) => {
      const [before, after] = values(fields, d);
      const file = (image: string): string => {
        const inner = closed(`${image}${d.blank}${rest}`);
        const lines = inner.replace(/\n+$/, "\n").replaceAll(/^(?=.)/gm, "        ");
        const head = `apiVersion: argoproj.io/v1alpha1\nkind: Application${d.comment}\nspec:\n  source:\n    helm:\n`;
        return `${head}      ${isText ? `values: |${d.comment}` : `valuesObject:${d.comment}`}\n${lines}    path: x${d.comment}\n`;
      };
      check("argocd", file(before), file(after), d.end);
    }),
    { numRuns: testRuns(150) },
  );
});

test("kustomizations: only the entry of the image differs, in any layout around it", () => {
  const entry = (fields: string, d: Dressing): string => `images:\n- name: orders${d.comment}\n${fields}`;
  fc.assert(
    fc.property(dressing, anything, (d, rest) => {
      const file = (image: string): string => `${entry(image, d)}${d.blank}${rest}`;
      const fresh = `  digest: ${NEW}${d.comment}\n  newName: ${IMAGE.repository}\n`;
      check("kustomize", file(`  newTag: v1${d.comment}\n`), file(fresh), d.end);
    }),
    { numRuns: testRuns(150) },
  );
});

type Fields = { readonly [field: string]: string };
type Values = { readonly [service: string]: { readonly image: Fields } };

/** As Helm reads them: the fields of a later file replace those of an earlier one, and what an alias brings is a copy. */
function together(base: string, live: string): Values {
  const [below, above] = [base, live].map((text): Values => parse(text, { merge: true }) ?? {});
  const fields = (service: string): Fields => ({ ...below?.[service]?.image, ...above?.[service]?.image });
  return { web: { image: fields("web") }, zz: { image: fields("zz") } };
}

test("Helm values of two files: an image and its alias are both whole afterwards, or the edit is refused", () => {
  const repository = fc.constantFrom(IMAGE.repository, IMAGE.repository, "mirror.example/apps/orders");
  const some = fc.record(
    { repository, tag: fc.constantFrom("v1", "1.10"), digest: fc.constant(`sha256:${"a".repeat(64)}`) },
    { requiredKeys: [] },
  );
  const seldom = fc.oneof({ weight: 3, arbitrary: fc.constant({}) }, some);
  const print = (fields: object): string =>
    Object.entries(fields)
      .map(([key, value]) => `    ${key}: "${value}"\n`)
      .join("");
  const alias = fc.constantFrom(
    "  image: *i\n",
    "  image:\n    <<: *i\n",
    "  image:\n    <<: *i\n    pullPolicy: Always\n",
  );
  let edits = 0;
  fc.assert(
    fc.property(repository, some, alias, some, seldom, (own, rest, reference, web, zz) => {
      const base = `web:\n  image: &i\n${print({ ...rest, repository: own })}zz:\n${reference}`;
      const live = [print(web), print(zz)].map((text, at) =>
        text === "" ? "" : `${at === 0 ? "web" : "zz"}:\n  image:\n${text}`,
      );
      const files = [base, `replicas: 1\n${live.join("")}`].map((text, at) => ({ name: `${at}.yaml`, text }));
      for (const at of [undefined, ["web.image", "zz.image"]]) {
        let done: readonly { readonly name: string; readonly text: string }[];
        try {
          done = setImages(files, { form: "helm", images: [IMAGE], at }).files;
        } catch (error) {
          assert.ok(error instanceof GantryError && error.code === "file-invalid");
          continue;
        }
        edits += 1;
        const [below = "", above = ""] = files.map(
          ({ name, text }) => done.find((one) => one.name === name)?.text ?? text,
        );
        const before = together(files[0]?.text ?? "", files[1]?.text ?? "");
        const after = together(below, above);
        for (const service of ["web", "zz"]) {
          const [was, now] = [before, after].map((one) => one[service]?.image);
          // Without `at`, an image in another registry stays as it is where one in this registry is found.
          if (at === undefined && was?.repository !== IMAGE.repository && now?.repository === was?.repository) continue;
          assert.equal(now?.repository, IMAGE.repository, `${below}${above}`);
          assert.ok(now?.digest === NEW || now?.tag?.endsWith(`@${NEW}`), `${below}${above}`);
        }
      }
    }),
    { numRuns: testRuns(300) },
  );
  assert.ok(edits > 0);
});

function closed(text: string): string {
  return text.endsWith("\n") ? text : `${text}\n`;
}
