import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { GantryError } from "@gantry/core/errors.ts";
import Koa from "koa";
import { listen } from "../http/listen.ts";
import { inOneLine, startError } from "./start-error.ts";
import { checkTls } from "./tls-files.ts";

async function faultOf(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    const fault = startError(error);
    return fault ? inOneLine(fault) : "a bug";
  }
  throw new Error("nothing was wrong");
}

test("an error of the operating system at start becomes one line", async (t) => {
  const dir = await mkdtemp(join(tmpdir(), "gantry-fault-"));
  const server = createServer().listen(0, "127.0.0.1");
  t.after(async () => {
    server.close();
    await rm(dir, { recursive: true });
  });
  await new Promise((resolve) => server.once("listening", resolve));
  const at = server.address();
  assert.ok(at !== null && typeof at === "object");
  assert.match(
    await faultOf(() => listen(new Koa(), { host: "127.0.0.1", port: at.port })),
    /^Gantry cannot listen on 127\.0\.0\.1:\d+\. Another process already listens there\. Stop [^\n]*\.$/,
  );
  const file = join(dir, "file");
  writeFileSync(file, "");
  assert.match(
    await faultOf(() => mkdirSync(join(file, "data"))),
    /file\/data cannot be used\. Part of its path is a file, not a folder\. Let/,
  );
  assert.equal(await faultOf(() => JSON.parse("{")), "a bug");
  assert.equal(await faultOf(() => Promise.reject(new Error("no code"))), "a bug");
});

test("an invalid certificate or key is reported without its text", () => {
  const texts = { tlsCa: "secret text", tlsCert: "-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----" };
  assert.throws(
    () => checkTls({ ...texts, tlsKey: "another secret text" }, "/journal"),
    (error: unknown) => {
      assert.ok(error instanceof GantryError && error.code === "config-invalid");
      const pointers = error.problems.map(({ pointer }) => pointer);
      assert.deepEqual(pointers, ["/journal/tlsCa", "/journal/tlsCert", "/journal/tlsKey"]);
      assert.doesNotMatch(inOneLine(error), /secret text/);
      return true;
    },
  );
  checkTls({}, "/journal");
});
