import assert from "node:assert/strict";
import { test } from "node:test";
import { appInput } from "../app/app.fixture.ts";
import type { AppInput } from "../app/app-shape.ts";
import { readApp } from "../app/read-app.ts";
import { rolloutProblems } from "./rollout-problems.ts";
import { type Rollout, rolloutShape } from "./rollout-shape.ts";
import { type RolloutTarget, wavesOf } from "./waves.ts";

const TARGETS: readonly RolloutTarget[] = [
  { name: "test", site: "seoul", environment: "test" },
  { name: "seoul-1", site: "seoul", environment: "prod" },
  { name: "seoul-2", site: "seoul", environment: "prod" },
  { name: "oslo-1", site: "oslo", environment: "prod" },
  { name: "bonn-1", site: "bonn", environment: "prod" },
];
const NAMES = TARGETS.map(({ name }) => name);

function plan(waves: object[], wanted: readonly string[] = NAMES): unknown {
  return wavesOf(rolloutShape.parse({ waves }).waves, TARGETS, wanted).map(({ of, batches }) => [
    of.name,
    ...batches.map(({ targets }) => targets.join(" ")),
  ]);
}

test("a target is in the first wave that fits it, and the last wave takes the rest", () => {
  const waves = [{ name: "test", environments: ["test"] }, { name: "canary", targets: ["seoul-2"] }, { name: "rest" }];
  assert.deepEqual(plan(waves), [
    ["test", "test"],
    ["canary", "seoul-2"],
    ["rest", "seoul-1 oslo-1 bonn-1"],
  ]);
  assert.deepEqual(plan(waves, ["bonn-1", "test"]), [
    ["test", "test"],
    ["rest", "bonn-1"],
  ]);
});

test("at most maxParallel targets are deployed together, and those of a site that may be offline apart from others", () => {
  assert.deepEqual(plan([{ name: "all", maxParallel: 2 }]), [["all", "test seoul-1", "seoul-2 oslo-1", "bonn-1"]]);
  const skip = { name: "all", maxParallel: 2, offline: "skip" };
  assert.deepEqual(plan([skip]), [["all", "test seoul-1", "seoul-2", "oslo-1", "bonn-1"]]);
});

/** A small generator of numbers, so that a failure can be repeated by its seed. */
function numbers(seed: number): (below: number) => number {
  let at = seed * 2_654_435_761 + 1;
  return (below) => {
    at = (Math.imul(at, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((at / 2 ** 32) * below);
  };
}

test("whatever the waves: each wanted target is deployed once, in the order of the waves, and never too many together", () => {
  for (let seed = 1; seed <= 500; seed += 1) {
    const below = numbers(seed);
    const targets = Array.from({ length: 1 + below(12) }, (_, at): RolloutTarget => {
      return { name: `t${at}`, site: `s${below(3)}`, environment: `e${below(3)}` };
    });
    const some = targets.flatMap(({ name }) => (below(2) === 0 ? [name] : []));
    const all = Array.from({ length: 1 + below(4) }, (_, at) => ({
      name: `w${at}`,
      ...(below(2) === 0 ? { environments: [`e${below(3)}`] } : { targets: [`t${below(targets.length)}`] }),
      ...(below(2) === 0 ? { maxParallel: 1 + below(3) } : {}),
      offline: ["wait", "skip", "stop"][below(3)],
    }));
    const { waves } = rolloutShape.parse({ waves: [...all, { name: "rest" }] });
    const planned = wavesOf(waves, targets, some);
    const names = planned.flatMap(({ batches }) => batches.flatMap((one) => one.targets));
    const why = `seed ${seed}`;
    assert.deepEqual(names.toSorted(), some.toSorted(), why);
    const order = planned.map(({ of }) => waves.indexOf(of));
    assert.deepEqual(
      order,
      order.toSorted((a, b) => a - b),
      why,
    );
    for (const { of, batches } of planned) {
      assert.equal(new Set(batches.map(({ name }) => name)).size, batches.length, why);
      for (const batch of batches) {
        assert.ok(batch.targets.length <= (of.maxParallel ?? Infinity), why);
        const sites = new Set(batch.targets.map((name) => targets.find((one) => one.name === name)?.site));
        assert.ok(of.offline === "wait" || sites.size === 1, why);
        const earlier = waves.slice(0, waves.indexOf(of));
        assert.ok(!earlier.some((one) => one.targets?.some((name) => batch.targets.includes(name))), why);
      }
    }
  }
});

function problems(rollout: object): readonly string[] {
  const targets = TARGETS.map((one) => ({ ...one, cluster: one.name, overlay: one.name })) as AppInput["targets"];
  const read = readApp("orders", { ...appInput({ targets }), rollout });
  return read.ok ? [] : read.problems.map(({ path, detail }) => `${path.join(".")}: ${detail}`);
}

test("a mistake is told at its field", () => {
  const rest = { name: "rest" };
  const found = (waves: object[]): string => problems({ waves }).join("\n");
  assert.equal(found([{ name: "canary", targets: ["seoul-1"] }, rest]), "");
  assert.match(
    found([{ name: "a", targets: ["seoul-3"] }, rest]),
    /^rollout\.waves\.0\.targets\.0: .*no such target.*did you mean/,
  );
  assert.match(
    found([{ name: "a", environments: ["prd"] }, rest]),
    /^rollout\.waves\.0\.environments\.0: .*did you mean prod/,
  );
  assert.match(found([rest, rest]), /rollout\.waves\.1\.name: .*is given to an earlier wave/);
  assert.match(found([rest, { name: "late", targets: ["test"] }]), /^rollout\.waves\.1: .*takes no target/);
  assert.match(found([{ name: "a", environments: ["prod"] }]), /^rollout\.waves: .*take no target test:/);
  assert.match(found([{ ...rest, maxparallel: 2 }]), /^rollout\.waves\.0\.maxparallel: unknown key maxparallel/);
});

test("what is not built yet is refused, and says what there is", () => {
  const found = (wave: object): string => problems({ waves: [{ name: "rest", ...wave }] }).join("\n");
  assert.match(found({ maxUnavailable: 1 }), /rollout\.waves\.0\.maxUnavailable: .*not built yet/);
  assert.match(found({ soak: "10m" }), /rollout\.waves\.0\.soak: .*not built yet/);
  assert.match(
    found({ gates: [{ approval: "Go?", metric: "up" }] }),
    /rollout\.waves\.0\.gates\.0\.metric: .*not built yet/,
  );
  assert.match(found({ gates: [{ script: "x" }] }), /gates\.0\.script: .*not built yet/);
});

test("problems are about the targets that the app has", () => {
  const rollout: Rollout = rolloutShape.parse({ waves: [{ name: "rest" }] });
  assert.deepEqual(rolloutProblems(rollout, TARGETS), []);
});
