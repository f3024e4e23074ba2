// No promise is ignored, whichever library it is of.

import assert from "node:assert/strict";
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { floatingPromises } from "./floating-promises.ts";
import { openTypeScriptProject, project } from "./typescript-project.ts";

test("floating promises: every promise is waited for, or its errors are handled", () => {
  assert.deepEqual(
    floatingPromises(project),
    [],
    "use `await`, or `.catch(…)`; write `void` before it, with the reason, if its errors are handled elsewhere",
  );
});

const FOUND = `
work();
work().then(show);
work().finally(show);
work().catch();
(work());
work()!;
work() as unknown as Promise<number>;
maybe?.();
new Promise<void>(() => {});
promise;
promises;
[1].map(work);
Promise.all(promises);
import("./other.js");
flag ? show() : work();
flag && work();
flag || work();
show(), work();
work(), show();
thenable();
own.method();
if (flag) work();
later(async () => { work(); });
test.suite();
assert.rejects(work());
named.catch(show).then(show);
`;

const ACCEPTED = `
await work();
void work();
work().catch(show);
work().then(show, show);
work().catch(show).finally(show);
work().then(show).catch(show);
(await work()).toFixed();
flag ? show() : work().catch(show);
kept = work();
flag ||= true;
[1].map(String);
show();
words.then;
later(work);
test("a", async () => {});
assert.equal(1, 1);
`;

const DECLARATIONS = `
import assert from "node:assert/strict";
import { test } from "node:test";
declare const promise: Promise<number>, promises: Promise<number>[], words: { then: string };
declare const maybe: (() => Promise<number>) | undefined;
declare const named: Promise<number>;
declare function thenable(): PromiseLike<number>;
declare function later(then: () => unknown): void;
declare let flag: boolean;
let kept: Promise<number>;
const work = async (): Promise<number> => 1;
const show = (): void => {};
class Own extends Promise<number> {}
const own = { method: (): Own => new Own(() => {}) };
`;

/** The part of the libraries that the statements use. */
const LIBRARIES = `
declare module "node:test" { export const test: { (name: string, run: () => unknown): Promise<void>; suite(): Promise<void> } }
declare module "node:assert/strict" { const assert: { equal(a: unknown, b: unknown): void; rejects(a: unknown): Promise<void> }; export = assert; }
`;

test("floating promises: every kind is found, and what is handled is accepted", (t) => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "gantry-promises-")));
  t.after(() => rmSync(folder, { recursive: true }));
  const options = { module: "nodenext", target: "es2022", lib: ["es2022"], types: [], strict: true };
  const files = {
    "package.json": '{"type":"module"}',
    "tsconfig.json": JSON.stringify({ compilerOptions: options }),
    "libraries.d.ts": LIBRARIES,
    "other.ts": "export {};\n",
    "found.ts": `${FOUND}${DECLARATIONS}`,
    "accepted.ts": `${ACCEPTED}${DECLARATIONS}`,
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const planted = openTypeScriptProject(`${folder}/`);
  t.after(() => planted.close());
  const lines = new Set(floatingPromises(planted).map((one) => one.split(":").slice(0, 2).join(":")));
  const expected = FOUND.trim()
    .split("\n")
    .map((_, index) => `found.ts:${index + 2}`);
  assert.deepEqual([...lines], expected);
});
