// The fastest server that the hardware allows: Koa and one durable write, nothing else. Runs as a separate process: `node
// lab/bench/load/bare-server.ts FOLDER`; prints its port.

import { open } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import Koa from "koa";

const folder = process.argv[2] ?? ".";
const db = new DatabaseSync(join(folder, "bare.sqlite"));
db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE bare (id INTEGER PRIMARY KEY, body TEXT)");
const [begin, commit] = [db.prepare("BEGIN IMMEDIATE"), db.prepare("COMMIT")];
const insert = db.prepare("INSERT INTO bare (body) VALUES (?)");
const log = await open(join(folder, "bare.log"), "w");

let waiting: { readonly body: string; readonly done: () => void }[] = [];
let size = 0;

/** Durable when it resolves; writes that arrive together share one fsync. */
function append(body: string): Promise<void> {
  return new Promise((done) => {
    if (waiting.length === 0) setImmediate(flush);
    waiting.push({ body, done });
  });
}

function flush(): void {
  const group = waiting;
  waiting = [];
  begin.run();
  for (const one of group) insert.run(one.body);
  commit.run();
  for (const one of group) one.done();
}

async function bodyOf(ctx: Koa.Context): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of ctx.req) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

const app = new Koa();
app.use(async (ctx) => {
  if (ctx.path === "/append") {
    await append((await bodyOf(ctx)).toString());
    ctx.status = 202;
    ctx.body = { ok: true };
  } else if (ctx.path === "/log") {
    const bytes = await bodyOf(ctx);
    const at = size;
    size += bytes.length;
    await log.write(bytes, 0, bytes.length, at);
    ctx.body = { ack: size };
  } else {
    ctx.status = 200;
    ctx.set("ETag", 'W/"1"');
    if (ctx.fresh) ctx.status = 304;
    else ctx.body = { version: 1 };
  }
});
const server = app.listen(0, "127.0.0.1", () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`);
});
