import assert from "node:assert/strict";
import { request } from "node:http";
import { type TestContext, test } from "node:test";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { createApp } from "./app.ts";
import { compress } from "./compress.ts";
import { listen } from "./listen.ts";

const LARGE = JSON.stringify({
  items: Array.from({ length: 200 }, (_, n) => ({ name: `task-${n}`, state: "succeeded" })),
});

type Got = { readonly headers: Readonly<Record<string, unknown>>; readonly bytes: Buffer };

async function open(t: TestContext): Promise<(path: string, accepted?: string) => Promise<Got>> {
  const silent = (): void => undefined;
  const app = createApp({ name: "test", logger: { debug: silent, info: silent, warn: silent, error: silent } });
  app.use(compress());
  app.use((ctx) => {
    ctx.set("ETag", '"tag"');
    ctx.type = { "/stream": "text/event-stream", "/log": "text/plain" }[ctx.path] ?? "application/json";
    ctx.body = ctx.path === "/small" ? "{}" : ctx.path === "/bytes" ? Buffer.from(LARGE) : LARGE;
  });
  const server = await listen(app, { host: "127.0.0.1", port: 0 });
  t.after(server.close);
  return (path, accepted) =>
    new Promise((resolve, reject) => {
      const headers = accepted === undefined ? {} : { "accept-encoding": accepted };
      request(server.url + path, { headers }, (answer) => {
        const chunks: Buffer[] = [];
        answer.on("data", (chunk: Buffer) => chunks.push(chunk));
        answer.on("end", () => resolve({ headers: answer.headers, bytes: Buffer.concat(chunks) }));
      })
        .on("error", reject)
        .end();
    });
}

test("a large response is compressed as the client accepts it, with a Vary header for caches", async (t) => {
  const ask = await open(t);
  const brotli = await ask("/", "gzip, deflate, br");
  assert.deepEqual([brotli.headers["content-encoding"], brotli.headers.vary], ["br", "Accept-Encoding"]);
  assert.equal(brotliDecompressSync(brotli.bytes).toString(), LARGE);
  assert.ok(brotli.bytes.length < LARGE.length / 5);
  assert.equal(Number(brotli.headers["content-length"]), brotli.bytes.length);
  assert.equal(brotli.headers.etag, 'W/"tag"', "the bytes differ, what they say does not");
  const gzip = await ask("/bytes", "gzip");
  assert.equal(gunzipSync(gzip.bytes).toString(), LARGE);
  const plain = await ask("/");
  assert.deepEqual(
    [plain.headers["content-encoding"], plain.bytes.toString(), plain.headers.vary],
    [undefined, LARGE, "Accept-Encoding"],
  );
  assert.equal((await ask("/", "br;q=0, gzip;q=0")).headers["content-encoding"], undefined);
});

test("small responses, streams of events and logs, which have ranges, are sent as they are", async (t) => {
  const ask = await open(t);
  for (const path of ["/small", "/stream", "/log"])
    assert.equal((await ask(path, "br")).headers["content-encoding"], undefined, path);
});
