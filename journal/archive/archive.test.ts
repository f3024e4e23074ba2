// The archive on a real disk: every process finds what was written, and leftovers of a crash do no harm.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { appendFile, mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { GantryError } from "@gantry/core/errors.ts";
import { type ArchiveRecord, findArchived, listArchive, openArchiveWriter, readPart } from "./archive.ts";

const nowMs = (): number => 1_790_000_000_000;

async function folderFor(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "gantry-archive-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return join(folder, "archive");
}

function record(id: string, day = "2026-08-22"): ArchiveRecord {
  return { day, id, value: { id, text: `what ${id} did 줄\n"1"` } };
}

const isDamaged = (error: unknown): boolean => error instanceof GantryError && error.code === "archive-damaged";

async function everything(folder: string): Promise<readonly string[]> {
  const all: string[] = [];
  for await (const file of listArchive(folder, "tasks"))
    for (const part of file.parts)
      for (const { id } of await readPart(folder, file, part)) all.push(`${file.path} ${String(id)}`);
  return all;
}

test("what was written is found by day and id, also by another process, and with plain tools", async (t) => {
  const folder = await folderFor(t);
  const writer = openArchiveWriter({ folder, kind: "tasks", nowMs });
  await writer.append([record("a"), record("b", "2026-08-23"), record("c")]);
  await openArchiveWriter({ folder, kind: "tasks", nowMs }).append([record("d")]);
  await openArchiveWriter({ folder, kind: "tasks", writer: "agent-2", nowMs }).append([record("e"), record("d")]);
  await openArchiveWriter({ folder, kind: "deliveries", nowMs }).append([record("f")]);
  for (const id of ["a", "c", "d", "e"])
    assert.deepEqual(await findArchived(folder, "tasks", { day: "2026-08-22", id }), record(id).value);
  for (const [day, id] of [
    ["2026-08-22", "b"],
    ["2026-08-22", "f"],
    ["2026-08-24", "a"],
    ["../../etc", "a"],
  ] as const)
    assert.equal(await findArchived(folder, "tasks", { day, id }), undefined);
  assert.deepEqual(await everything(folder), [
    "2026-08-22/tasks-agent-2.jsonl.gz e",
    "2026-08-22/tasks-agent-2.jsonl.gz d",
    "2026-08-22/tasks.jsonl.gz a",
    "2026-08-22/tasks.jsonl.gz c",
    "2026-08-22/tasks.jsonl.gz d",
    "2026-08-23/tasks.jsonl.gz b",
  ]);
  const text = execFileSync("gzip", ["-dc", join(folder, "2026-08-22/tasks.jsonl.gz")], { encoding: "utf8" });
  assert.deepEqual(
    text.trim().split("\n"),
    ["a", "c", "d"].map((id) => JSON.stringify(record(id).value)),
  );
});

test("a missing archive is empty", async (t) => {
  const folder = await folderFor(t);
  assert.equal(await findArchived(folder, "tasks", { day: "2026-08-22", id: "a" }), undefined);
  assert.deepEqual(await everything(folder), []);
});

test("appends at once are one after the other", async (t) => {
  const folder = await folderFor(t);
  const writer = openArchiveWriter({ folder, kind: "tasks", nowMs });
  await Promise.all(Array.from({ length: 20 }, (_, at) => writer.append([record(`t${at}`)])));
  assert.equal((await everything(folder)).length, 20);
});

for (const [what, damage] of [
  ["half of a part", (file: string) => appendFile(`${file}.jsonl.gz`, "half a part")],
  ["half of a line of the list", (file: string) => appendFile(`${file}.index.jsonl`, '{"at":"2026-08-')],
] as const) {
  test(`a crash that left ${what} behind: it does not count, and the next append cuts it off`, async (t) => {
    const folder = await folderFor(t);
    const file = join(folder, "2026-08-22", "tasks");
    await openArchiveWriter({ folder, kind: "tasks", nowMs }).append([record("a")]);
    await damage(file);
    assert.deepEqual(await findArchived(folder, "tasks", record("a")), record("a").value);
    await openArchiveWriter({ folder, kind: "tasks", nowMs }).append([record("b")]);
    assert.deepEqual(
      (await everything(folder)).map((line) => line.split(" ")[1]),
      ["a", "b"],
    );
    assert.equal(
      execFileSync("gzip", ["-dc", `${file}.jsonl.gz`], { encoding: "utf8" })
        .trim()
        .split("\n").length,
      2,
    );
  });
}

test("a changed or truncated part is reported, and an append is refused", async (t) => {
  const folder = await folderFor(t);
  const file = join(folder, "2026-08-22", "tasks.jsonl.gz");
  const writer = openArchiveWriter({ folder, kind: "tasks", nowMs });
  await writer.append([record("a")]);
  const bytes = await readFile(file);
  bytes[20] = (bytes[20] ?? 0) ^ 1;
  await writeFile(file, bytes);
  await assert.rejects(findArchived(folder, "tasks", record("a")), isDamaged);
  const list = file.replace(".jsonl.gz", ".index.jsonl");
  const lines = await readFile(list, "utf8");
  await writeFile(list, lines.replace('"offset":0', '"offset":-1'));
  await assert.rejects(findArchived(folder, "tasks", record("a")), isDamaged);
  await writeFile(list, lines);
  await truncate(file, 10);
  await assert.rejects(findArchived(folder, "tasks", record("a")), isDamaged);
  await assert.rejects(writer.append([record("b")]), isDamaged);
});

test("a disk that refuses rejects the append, and a later one is written", async (t) => {
  const folder = await folderFor(t);
  await writeFile(folder, "a file where the folder should be");
  const writer = openArchiveWriter({ folder, kind: "tasks", nowMs });
  await assert.rejects(writer.append([record("a")]));
  await rm(folder);
  await writer.append([record("b")]);
  assert.equal((await everything(folder)).length, 1);
});
