import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { createMasker } from "@gantry/core/mask/masker.ts";
import { machineFiles } from "../state/files.ts";
import { type LogSpool, openSpool } from "./log-spool.ts";

const silent = (): void => {};
const logger = { debug: silent, info: silent, warn: silent, error: silent };

async function spoolOf(t: TestContext, limit?: number): Promise<{ spool: LogSpool; text: () => Promise<string> }> {
  const folder = await mkdtemp(join(tmpdir(), "gantry-spool-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const masker = createMasker();
  masker.add("hunter222");
  const place = { files: machineFiles, folder, index: 0, step: "work" };
  const options = limit === undefined ? {} : { limit };
  const spool = await openSpool({ ...place, masker, logger, emit: silent, ...options });
  return { spool, text: () => readFile(join(folder, "1.log"), "utf8") };
}

test("a secret does not reach the disk, even when two streams are interleaved", async (t) => {
  const { spool, text } = await spoolOf(t);
  spool.write("stdout", Buffer.from("a hunt"));
  spool.write("stderr", Buffer.from("warning\n"));
  spool.write("stdout", Buffer.from("er222 b\n"));
  spool.line("hunter222 said the runner");
  await spool.close();
  assert.equal(await text(), "a warning\n*** b\n*** said the runner\n");
});

test("bytes that are held back as the possible beginning of a secret are written at the end", async (t) => {
  const { spool, text } = await spoolOf(t);
  spool.write("stdout", Buffer.from("the hunter"));
  await spool.close();
  assert.equal(await text(), "the hunter");
});

test("a log that is too long ends with a line about that", async (t) => {
  const { spool, text } = await spoolOf(t, 10);
  for (let index = 0; index < 100; index += 1) spool.write("stdout", Buffer.from("abc\n"));
  await spool.close();
  assert.equal(await text(), "abc\nabc\nab\n[gantry] The log is longer than 10 bytes; 390 bytes were dropped.\n");
});
