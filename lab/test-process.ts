// Loaded before each file of `npm test`. To say which test an uncaught error belongs to, node:test follows every promise, which
// takes a quarter of the CPU time of all tests. Here it follows none: the error is printed with its stack, and the file fails.
// `npm run test:unit` runs files without this.

import asyncHooks, { type AsyncHook } from "node:async_hooks";
import { isMainThread } from "node:worker_threads";

if (isMainThread) {
  const hook: AsyncHook = { enable: () => hook, disable: () => hook };
  // Nothing else in these processes makes one.
  Object.assign(asyncHooks, { createHook: () => hook });

  process.on("uncaughtExceptionMonitor", (error) => console.error("An error that no test catches:", error));
  process.on("unhandledRejection", (error) => {
    console.error("A promise that no test awaits is rejected:", error);
    process.exitCode = 1;
  });
}
