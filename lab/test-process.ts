// Loaded before each file of `npm test`. To know which test a piece of code belongs to, node:test follows every promise by an
// async hook, which takes a quarter of the CPU time of all tests. Here an AsyncLocalStorage knows it, which costs nothing.
// `npm run test:unit` runs files without this.

import asyncHooks, { AsyncLocalStorage, AsyncResource, type HookCallbacks } from "node:async_hooks";
import { isMainThread } from "node:worker_threads";

// Other threads run no tests.
if (isMainThread) {
  /** The id of the test that runs. */
  const running = new AsyncLocalStorage<number>();
  const hook = { enable: () => hook, disable: () => hook };
  let register: HookCallbacks["init"];
  // node:test loads after this file, and nothing else in these processes uses them.
  Object.assign(asyncHooks, {
    createHook: ({ init }: HookCallbacks) => {
      register = init;
      return hook;
    },
    executionAsyncId: () => running.getStore() ?? 0,
  });

  const { runInAsyncScope } = AsyncResource.prototype;
  Object.assign(AsyncResource.prototype, {
    runInAsyncScope(this: AsyncResource, run: (...args: unknown[]) => unknown, self: unknown, ...args: unknown[]) {
      const isTest = "subtests" in this;
      if (!isTest) return runInAsyncScope.call(this, run, self, ...args);
      const id = this.asyncId();
      register?.(id, "Test", 0, this);
      const inTest = (...given: unknown[]) => running.run(id, () => Reflect.apply(run, self, given));
      return runInAsyncScope.call(this, inTest, self, ...args);
    },
  });
}
