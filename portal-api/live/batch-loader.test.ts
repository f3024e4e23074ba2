import assert from "node:assert/strict";
import { test } from "node:test";
import { batchLoader } from "./batch-loader.ts";

type Asked = { readonly keys: readonly string[]; readonly answer: PromiseWithResolvers<ReadonlyMap<string, number>> };

function loader(most: number) {
  const asked: Asked[] = [];
  let called = Promise.withResolvers<void>();
  const get = batchLoader({ maxKeys: most, pauseBetween: async () => {} }, (keys) => {
    const answer = Promise.withResolvers<ReadonlyMap<string, number>>();
    asked.push({ keys, answer });
    called.resolve();
    called = Promise.withResolvers();
    return answer.promise;
  });
  const nextAsked = async (count: number): Promise<Asked> => {
    while (asked.length < count) await called.promise;
    const last = asked[count - 1];
    assert.ok(last);
    return last;
  };
  return { get, asked, nextAsked };
}

test("concurrent keys are loaded together, each once", async () => {
  const { get, nextAsked } = loader(10);
  const answers = Promise.all([get("a"), get("b"), get("a"), get("c")]);
  const { keys, answer } = await nextAsked(1);
  assert.deepEqual(keys, ["a", "b", "c"]);
  answer.resolve(
    new Map([
      ["a", 1],
      ["b", 2],
    ]),
  );
  assert.deepEqual(await answers, [1, 2, 1, undefined]);
});

test("a caller that comes during a call is part of the next one", async () => {
  const { get, asked, nextAsked } = loader(10);
  const first = get("a");
  const one = await nextAsked(1);
  const second = get("a");
  one.answer.resolve(new Map([["a", 1]]));
  assert.equal(await first, 1);
  (await nextAsked(2)).answer.resolve(new Map([["a", 2]]));
  assert.equal(await second, 2);
  assert.equal(asked.length, 2);
});

test("too many keys are split into several calls; a failure affects only its own call", async () => {
  const { get, nextAsked } = loader(2);
  const answers = Promise.allSettled([get("a"), get("b"), get("c")]);
  const one = await nextAsked(1);
  assert.deepEqual(one.keys, ["a", "b"]);
  one.answer.reject(new Error("away"));
  const two = await nextAsked(2);
  assert.deepEqual(two.keys, ["c"]);
  two.answer.resolve(new Map([["c", 3]]));
  assert.deepEqual(
    (await answers).map((one) => (one.status === "fulfilled" ? one.value : "failed")),
    ["failed", "failed", 3],
  );
  const later = get("a");
  (await nextAsked(3)).answer.resolve(new Map([["a", 4]]));
  assert.equal(await later, 4);
});
