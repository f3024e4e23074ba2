// `gantry audit` against a real portal, its data folder, and an exported file.

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, test } from "node:test";
import { type RunningPortal, startPortal } from "@gantry/portal-api/main.ts";
import { makeLogger } from "@gantry/runtime/process/logger.ts";
import { chained } from "@gantry/wire/audit/entry.ts";
import { runCommand } from "./portal.fixture.ts";

let folder: string;
let portal: RunningPortal;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "gantry-cli-audit-"));
  portal = await startPortal(
    { dataDir: join(folder, "portal"), port: 0, agent: { url: "http://127.0.0.1:9", token: "token-of-no-agent-here" } },
    { logger: makeLogger("test", "silent") },
  );
  for (let n = 0; n < 230; n += 1) {
    const name = `robot-${n}`;
    await ask("POST", "/v1/tokens", { name, role: "viewer" });
  }
  await ask("DELETE", "/v1/tokens/nobody");
});
after(async () => {
  await portal.close();
  await rm(folder, { recursive: true });
});

async function ask(method: string, path: string, body?: object): Promise<void> {
  const headers = { authorization: `Bearer ${portal.adminToken}`, "content-type": "application/json" };
  const answer = await fetch(portal.url + path, { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) });
  await answer.arrayBuffer();
}

const run = (...argv: string[]) =>
  runCommand(["audit", ...argv], {
    env: { GANTRY_PORTAL: portal.url, GANTRY_TOKEN_FILE: join(folder, "portal/admin-token") },
  });

test("`gantry audit list` prints the newest entries that match", async () => {
  const { code, out } = await run("list", "--limit", "2");
  assert.equal(code, 0);
  assert.match(
    out,
    /^\S+Z {2}admin {2}revoke tokens {2}token=nobody {2}refused \(not-found\) {2}from \S+ by api\n\S+Z {2}admin {2}create tokens {2}token=robot-229 role=viewer days=90 {2}done {2}/,
  );
  assert.equal((await run("list", "--limit", "500")).out.split("\n").length - 1, 231);
  assert.equal((await run("list", "--who", "nobody")).out, "No entry matches.\n");
  const items = JSON.parse((await run("list", "--result", "refused", "--json")).out) as { code: string }[];
  assert.deepEqual(
    items.map(({ code }) => code),
    ["not-found"],
  );
});

test("`gantry audit verify` agrees online, on the data folder and on an exported file", async () => {
  const online = await run("verify");
  assert.equal(online.code, 0, online.out);
  assert.match(online.out, /^The audit log is whole: 462 entries, the last is 462, with the hash\n[0-9a-f]{64}\n$/);
  assert.deepEqual(await run("verify", "--folder", join(folder, "portal")), online);
  const file = join(folder, "audit.jsonl");
  await writeFile(file, (await run("export")).out);
  assert.deepEqual(await run("verify", "--file", file), online);
  assert.equal((await run("export", "--folder", join(folder, "portal"))).out, await readFile(file, "utf8"));
});

test("`gantry audit verify` names the first wrong line of a tampered file, and finds a cut end with --expect", async () => {
  const lines = (await run("export")).out.trimEnd().split("\n");
  const file = join(folder, "tampered.jsonl");
  const verify = async (changed: readonly string[], ...more: string[]): Promise<string> => {
    await writeFile(file, changed.map((line) => `${line}\n`).join(""));
    const { code, out } = await run("verify", "--file", file, ...more);
    return `${code} ${out}`;
  };
  const forged = (lines[99] ?? "").replace('"name":"admin"', '"name":"eve"');
  assert.match(
    await verify(lines.with(99, forged)),
    /^1 .* The first wrong place is entry 100\. .* it was changed\.\n$/,
  );
  assert.match(await verify(lines.toSpliced(99, 1)), /^1 .* entry 100 \(found 101\)\. Entry 100 is missing/);
  const last = (JSON.parse(lines.at(-1) ?? "") as { hash: string }).hash;
  assert.match(await verify(lines, "--expect", last), /^0 /);
  assert.match(await verify(lines.slice(0, -1), "--expect", last), /^1 .* the end\. No entry has the expected hash/);
  await writeFile(file, lines.join("\n"));
  assert.equal((await run("verify", "--file", file)).code, 1, "the last line is not complete");
  await assert.rejects(run("verify", "--file", join(folder, "none")), /none cannot be used/);
});

test("`gantry audit verify` says since when the beginning is missing, because whoever can write the log can also write a reason", async () => {
  const lines = (await run("export")).out.trimEnd().split("\n");
  const last = JSON.parse(lines.at(-1) ?? "") as { seq: number; hash: string };
  const { hash: throughHash } = JSON.parse(lines[99] ?? "") as { hash: string };
  const { at } = JSON.parse(lines[100] ?? "") as { at: string };
  const reason = chained({ kind: "trimmed", through: 100, throughHash }, last, 1_900_000_000_000);
  const file = join(folder, "beginning.jsonl");
  await writeFile(file, `${[...lines.slice(100), JSON.stringify(reason)].join("\n")}\n`);
  const { code, out } = await run("verify", "--file", file, "--expect", last.hash);
  assert.equal(code, 0);
  assert.ok(out.includes("Entries up to 100 were removed: entry 463, of 2030-03-17T17:46:40.000Z, says"), out);
  assert.ok(out.includes(`The oldest entry that is left is of ${at}.`), out);
});

test("`gantry audit verify` asks the portal for the end of the log, so that it finds newest entries that were cut off", async () => {
  const db = new DatabaseSync(join(folder, "portal/portal.db"));
  db.exec(`DELETE FROM events WHERE stream = (SELECT id FROM streams WHERE name = 'audit/0') AND version > 460`);
  db.close();
  const { code, out } = await run("verify");
  assert.equal(code, 1, out);
  assert.match(out, /The first wrong place is entry 461\. It is missing: the journal had 46\d entries\.\n$/);
});
