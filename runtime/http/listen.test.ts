import assert from "node:assert/strict";
import { test } from "node:test";
import { createApp } from "./app.ts";
import { listen } from "./listen.ts";

const silent = (): void => {};
const logger = { debug: silent, info: silent, warn: silent, error: silent };

test("a second close, as after a second signal, waits for the first", async () => {
  const server = await listen(createApp({ name: "test", logger }), { host: "127.0.0.1", port: 0 });
  await Promise.all([server.close(), server.close()]);
  await server.close();
  await assert.rejects(fetch(server.url));
});
