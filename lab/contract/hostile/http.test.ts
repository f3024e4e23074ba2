// Hostile requests to the portal, as data: each is answered as the table says, as a problem, costs less than a second
// of processor time, and has changed nothing.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";

import { startTestPortal, type TestPortal } from "@gantry/portal-api/portal.fixture.ts";
import { problemSchema } from "@gantry/runtime/http/problem.ts";
import { z } from "zod";

const big = z.strictObject({ before: z.string(), repeat: z.string(), times: z.int(), after: z.string() });
const text = z.union([z.string(), big]);
const rowSchema = z.strictObject({
  id: z.string(),
  says: z.string(),
  method: z.string().optional(),
  path: text.optional(),
  headers: z.record(z.string(), z.string()).optional(),
  body: z.union([text, z.strictObject({ gzipOf: z.int() }), z.strictObject({ base64: z.string() })]).optional(),
  /** Sent as it is, instead of a request made by a client; `{token}` is replaced. */
  raw: text.optional(),
  /** So many at once, none of which waits for an answer. */
  connections: z.int().optional(),
  /** Statuses that are right; none when no answer is expected. */
  expect: z.array(z.int()),
});
type Row = z.infer<typeof rowSchema>;

const ROWS = z.array(rowSchema).parse(JSON.parse(readFileSync(new URL("./http.json", import.meta.url), "utf8")));
const MIB = 1_048_576;

let portal: TestPortal;

before(async () => {
  portal = await startTestPortal();
  portal.agent.addTask({ id: "t1" });
  portal.agent.writeLog("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\n", { final: true });
});
after(() => portal.close());

for (const row of ROWS) {
  test(`${row.id}: ${row.says}`, async () => {
    const state = await wholeState();
    const rss = process.memoryUsage.rss();
    const spent = process.cpuUsage();
    const { status, body } = row.raw === undefined ? await send(row) : await sendRaw(row);
    const { user, system } = process.cpuUsage(spent);
    if (row.expect.length > 0) {
      assert.ok(row.expect.includes(status), `answered ${status}: ${body.slice(0, 300)}`);
      if (status >= 400 && !body.startsWith("<!doctype html>")) {
        assert.equal(problemSchema.parse(JSON.parse(body)).status, status);
      }
    }
    assert.ok(status < 500, `answered ${status}`);
    assert.ok(user + system < 1_000_000, `cost ${(user + system) / 1_000} ms`);
    assert.ok(process.memoryUsage.rss() - rss < 150 * MIB, "took too much memory");
    assert.equal(await wholeState(), state, "has changed something");
  });
}

test("every kind of the table is there", () => {
  for (let kind = 1; kind <= 15; kind += 1) {
    assert.ok(
      ROWS.some((row) => new RegExp(`^H${kind}(?!\\d)`).test(row.id)),
      `H${kind}`,
    );
  }
  assert.equal(new Set(ROWS.map((row) => row.id)).size, ROWS.length);
});

/** Tasks, keys and events of the agent, and the portal's tokens. */
async function wholeState(): Promise<string> {
  return portal.agent.state() + (await (await portal.ask("/v1/tokens")).text());
}

async function send(row: Row): Promise<{ status: number; body: string }> {
  const body = bytesOf(row.body);
  const answer = await fetch(portal.url + spell(row.path ?? "/"), {
    method: row.method ?? "GET",
    headers: { authorization: `Bearer ${portal.adminToken}`, ...row.headers },
    ...(body === undefined ? {} : { body }),
  });
  return { status: answer.status, body: await answer.text() };
}

function bytesOf(body: Row["body"]): string | Uint8Array<ArrayBuffer> | undefined {
  if (body === undefined) return undefined;
  if (typeof body === "object" && "gzipOf" in body) return new Uint8Array(gzipSync(Buffer.alloc(body.gzipOf)));
  if (typeof body === "object" && "base64" in body) return new Uint8Array(Buffer.from(body.base64, "base64"));
  return spell(body);
}

function spell(part: string | z.infer<typeof big>): string {
  return typeof part === "string" ? part : part.before + part.repeat.repeat(part.times) + part.after;
}

/** The first answer on a connection; without one expected, what comes until the other rows' check that the portal lives. */
async function sendRaw(row: Row): Promise<{ status: number; body: string }> {
  const message = spell(row.raw ?? "").replaceAll("{token}", portal.adminToken);
  const sockets = Array.from({ length: row.connections ?? 1 }, () => connect(portal.port, "127.0.0.1"));
  const [first] = sockets;
  assert.ok(first);
  let got = "";
  const answered = new Promise<void>((resolve) => {
    first.on("data", (chunk) => {
      got += chunk.toString("latin1");
      if (/\r\n\r\n[\s\S]*\}$/.test(got)) resolve();
    });
    first.on("close", () => resolve());
  });
  for (const socket of sockets) {
    socket.on("error", () => socket.destroy());
    socket.write(message);
  }
  if (row.expect.length > 0) await answered;
  else assert.equal((await portal.ask("/v1/tasks")).status, 200);
  for (const socket of sockets) socket.destroy();
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(got)?.[1] ?? 0);
  return { status, body: got.slice(got.indexOf("\r\n\r\n") + 4) };
}
