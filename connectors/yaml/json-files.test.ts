// Files that are JSON stay JSON, and texts with rare characters reach every reader.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonValue } from "@gantry/core/json.ts";
import { anyCharacter } from "@gantry/lab/any-character.fixture.ts";
import fc from "fast-check";
import { setImage } from "./set-image.ts";
import { setImages } from "./set-images.ts";
import { parsePath, setPath } from "./set-path.ts";

const NEW = `sha256:${"b".repeat(64)}`;

test("an edit of a JSON file gives JSON, with nothing else changed", () => {
  const rows: readonly (readonly [text: string, path: string, value: JsonValue, edited: string])[] = [
    ['{"a": 1}', "a", "x", '{"a": "x"}'],
    ['{"a": 1}\n', "b", "x", '{"a": 1, "b": "x"}\n'],
    ['{"a": {"b": 1}}', "a.c.d", ["x", 1], '{"a": {"b": 1, "c": {"d": ["x", 1]}}}'],
    [
      '{\n\t"a": [\n\t\t{"name": "w", "v": 1}\n\t]\n}\n',
      "a[name=w].v",
      "yes",
      '{\n\t"a": [\n\t\t{"name": "w", "v": "yes"}\n\t]\n}\n',
    ],
    ['\uFEFF{"a":null}', "a", { b: null }, '\uFEFF{"a":{"b": null}}'],
    ['{"a": "v1"}', "a", "\u{1F3F4}\u{E0067}\u2028\u0085", '{"a": "\u{1F3F4}\u{E0067}\\u2028\\u0085"}'],
    // Readers of YAML 1.1 take `1e+21` for a text.
    ['{"a": "v1"}', "a", 1e21, '{"a": 1.0e+21}'],
    ['{"a": "v1"}', "b", [-1.5e-9, 2e-7], '{"a": "v1", "b": [-1.5e-9, 2.0e-7]}'],
    ['[{"a": 1}]', "[0].b", "x", '[{"a": 1, "b": "x"}]'],
    ["{a: 1}", "b", "x", "{a: 1, b: x}"],
  ];
  for (const [text, path, value, edited] of rows) {
    assert.equal(setPath("f.json", text, parsePath(path) ?? [], value).text, edited);
    assert.equal(setPath("f.json", edited, parsePath(path) ?? [], value).text, edited, "editing twice is editing once");
  }
});

test("property: a JSON file stays JSON with exactly the edit, whatever it holds", () => {
  const value = fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<JsonValue>;
  const file = fc.tuple(
    fc.dictionary(fc.string({ unit: anyCharacter }), value, { minKeys: 1, noNullPrototype: true }),
    fc.constantFrom(undefined, 2, "\t"),
  );
  fc.assert(
    fc.property(
      file,
      fc.string({ unit: anyCharacter, minLength: 1 }),
      fc.boolean(),
      value,
      ([data, indent], fresh, isNew, wanted) => {
        fc.pre(!Object.hasOwn(data, "__proto__") && fresh !== "__proto__");
        const key = isNew ? fresh : (Object.keys(data)[0] ?? "");
        const text = JSON.stringify(data, undefined, indent);
        const edited = setPath("f.json", text, [key], wanted).text;
        assert.deepEqual(JSON.parse(edited), JSON.parse(JSON.stringify({ ...data, [key]: wanted })));
      },
    ),
    { numRuns: 40 },
  );
});

test("images are set in JSON files of every form", () => {
  const image = { name: "orders", repository: "harbor.example/apps/orders", digest: NEW };
  const helm = setImages([{ name: "v.json", text: '{"image":{"repository":"harbor.example/apps/orders"}}' }], {
    form: "helm",
    images: [image],
  });
  assert.deepEqual(JSON.parse(helm.files[0]?.text ?? ""), {
    image: { repository: "harbor.example/apps/orders", tag: `${"b".repeat(12)}@${NEW}` },
  });
  for (const text of [
    '{"images": [{"name": "web", "newTag": "v1"}]}',
    '{"images": [{"name": "web"}]}',
    '{"images": []}',
    '{"a": []}',
  ]) {
    const { images } = JSON.parse(setImage("k.json", text, { image: "web", newName: "h/web", digest: NEW }).text) as {
      images: unknown;
    };
    assert.deepEqual(images, [{ name: "web", newName: "h/web", digest: NEW }]);
  }
});

test("a hidden character above the first 65,536 is one escape: two halves are none for most readers", () => {
  assert.equal(
    setPath("f.yaml", "a: 1\n", ["a"], "\u{1F3F4}\u{E0067}\u{E007F}\u200D").text,
    'a: "\u{1F3F4}\\U000e0067\\U000e007f\\u200d"\n',
  );
});
