// The layout of the graph: boxes do not overlap, lines lead from left to right, and the layout is deterministic.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Box, layoutGraph, pathOf } from "./src/task/graph-layout.ts";

const GAPS = { x: 40, y: 16 };
/** Any jobs, with needs that may be unknown, double, their own, or in a circle. */
const anyJobs = fc
  .array(fc.record({ needs: fc.array(fc.nat(14), { maxLength: 4 }), height: fc.integer({ min: 30, max: 200 }) }), {
    maxLength: 12,
  })
  .map((jobs) =>
    jobs.map(({ needs, height }, at): Box => ({ id: `j${at}`, needs: needs.map((n) => `j${n}`), width: 200, height })),
  );

test("boxes are inside the plane and do not overlap", () => {
  fc.assert(
    fc.property(anyJobs, (jobs) => {
      const { boxes, width, height } = layoutGraph(jobs, GAPS);
      const placed = boxes.map((box) => ({ ...box, size: jobs.find((job) => job.id === box.id) }));
      assert.equal(placed.length, jobs.length);
      for (const a of placed) {
        assert.ok(a.x >= 0 && a.y >= 0 && a.x + 200 <= width && a.y + (a.size?.height ?? 0) <= height);
        for (const b of placed) {
          if (a === b) continue;
          const apart =
            a.x + 200 <= b.x ||
            b.x + 200 <= a.x ||
            a.y + (a.size?.height ?? 0) <= b.y ||
            b.y + (b.size?.height ?? 0) <= a.y;
          assert.ok(apart, `${a.id} overlaps ${b.id}`);
        }
      }
    }),
  );
});

test("lines lead from a needed job to the right", () => {
  fc.assert(
    fc.property(anyJobs, (jobs) => {
      for (const { from, to, points } of layoutGraph(jobs, GAPS).lines) {
        assert.ok(jobs.find((job) => job.id === to)?.needs.includes(from));
        assert.ok(points.length >= 2);
        for (const [at, [x]] of points.slice(1).entries()) assert.ok(x >= (points[at]?.[0] ?? 0));
      }
    }),
  );
});

test("without cycles, every need has a line", () => {
  fc.assert(
    fc.property(anyJobs, (jobs) => {
      const acyclic = jobs.map((job, at) => ({ ...job, needs: job.needs.filter((id) => Number(id.slice(1)) < at) }));
      const drawn = new Set(layoutGraph(acyclic, GAPS).lines.map(({ from, to }) => `${from}>${to}`));
      for (const job of acyclic) for (const need of job.needs) assert.ok(drawn.has(`${need}>${job.id}`));
    }),
  );
});

test("the same jobs have the same layout", () => {
  fc.assert(
    fc.property(anyJobs, (jobs) => assert.deepEqual(layoutGraph(jobs, GAPS), layoutGraph(structuredClone(jobs), GAPS))),
  );
});

test("a commit and two deployments are two layers, the deployments one below the other", () => {
  const box = (id: string, needs: string[]): Box => ({ id, needs, width: 200, height: 100 });
  const { boxes, lines } = layoutGraph([box("commit", []), box("seoul", ["commit"]), box("tokyo", ["commit"])], GAPS);
  assert.deepEqual(boxes, [
    { id: "commit", x: 0, y: 58 },
    { id: "seoul", x: 240, y: 0 },
    { id: "tokyo", x: 240, y: 116 },
  ]);
  assert.equal(pathOf(lines[0]?.points ?? []), "M200 108C220 108 220 50 240 50");
});
