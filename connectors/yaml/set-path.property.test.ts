// Properties of `yaml/edit`, over files of any layout.

import assert from "node:assert/strict";
import { test } from "node:test";
import { GantryError } from "@gantry/core/errors.ts";
import type { JsonValue } from "@gantry/core/json.ts";
import { testRuns } from "@gantry/core/test-runs.fixture.ts";
import fc from "fast-check";
import { layouts } from "./layouts.fixture.ts";
import { set } from "./set-path.fixture.ts";
import { parsePath, setPath, setPaths } from "./set-path.ts";

test("property: in any layout, only the lines of the value change, and editing twice is editing once", () => {
  const value = fc.oneof(
    fc.constantFrom<JsonValue>("v2", "yes", "", " x", "a\nb\n", 5, 1.5, true, null, {}, [], { a: 1, b: { c: ["on"] } }),
    fc.jsonValue({ maxDepth: 2 }).map((one) => JSON.parse(JSON.stringify(one)) as JsonValue),
  );
  fc.assert(
    fc.property(
      layouts(),
      fc.nat(1000),
      value,
      fc.constantFrom("", '["added"]', '["added"]["deep"]'),
      (layout, pick, one, add) => {
        const spot = layout.spots[pick % layout.spots.length];
        fc.pre(spot !== undefined);
        const document = layout.documents > 1 ? { index: 1 } : undefined;
        let edited: string;
        try {
          edited = set(layout.text, spot.path + add, one, document);
        } catch (error) {
          assert.ok(error instanceof GantryError && error.code === "file-invalid", String(error));
          return;
        }
        if (edited === layout.text) return;
        const end = layout.text.includes("\r\n") ? "\r\n" : "\n";
        const lines = layout.text.split(end);
        const before = lines.slice(0, spot.first).map((line) => line + end);
        const after = lines
          .slice(spot.last + 1)
          .map((line) => end + line)
          .join("");
        assert.ok(edited.startsWith(before.join("")), edited);
        assert.ok(edited.endsWith(after), edited);
        if (end === "\r\n") assert.doesNotMatch(edited, /(^|[^\r])\n/);
        assert.equal(set(edited, spot.path + add, one, document), edited);
      },
    ),
    { numRuns: testRuns(400) },
  );
});

test("edits that are made at once give what they give one after the other", () => {
  const outcome = (work: () => string): string => {
    try {
      return work();
    } catch (error) {
      assert.ok(error instanceof GantryError && error.code === "file-invalid", String(error));
      return "refused";
    }
  };
  let made = 0;
  fc.assert(
    fc.property(layouts(), fc.nat(), fc.nat(), ({ text, spots, documents }, first, second) => {
      const edits = [first, second].flatMap((at, index) => {
        const path = parsePath(spots[at % spots.length]?.path ?? "");
        return path ? [{ path, value: `v${index}`, selector: { index: documents - 1 } }] : [];
      });
      const oneByOne = outcome(() =>
        edits.reduce(
          (before, { path, value, selector }) => setPath("f.yaml", before, path, value, selector).text,
          text,
        ),
      );
      const atOnce = outcome(() => setPaths("f.yaml", text, edits));
      // A first edit may take away what the second one means; both ways are right then.
      if (oneByOne === "refused" || first % spots.length === second % spots.length) return;
      assert.equal(atOnce, oneByOne);
      made += 1;
    }),
    { numRuns: testRuns(300) },
  );
  assert.ok(made > testRuns(50), `only ${made} were made`);
});
