// `gantry start --separate` with a process that cannot start: what people read.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

test("a process that does not come up is named, with its message and without a stack", async (t) => {
  const dir = await mkdtemp(join(tmpdir(), "gantry-separate-"));
  const taken = createServer((socket) => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"));
  await once(taken.listen(0, "127.0.0.1"), "listening");
  t.after(async () => {
    taken.close();
    await rm(dir, { recursive: true });
  });
  const { port } = taken.address() as AddressInfo;
  const gantry = fileURLToPath(new URL("./main.ts", import.meta.url));
  const argv = [gantry, "start", "--separate", "--no-lab", "--no-demo", "--data", dir, "--port", String(port)];
  const child = spawn(process.execPath, argv, { stdio: ["ignore", "ignore", "pipe"] });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const [code] = await once(child, "close");
  assert.notEqual(code, 0);
  assert.match(stderr, /Gantry cannot listen on 127\.0\.0\.1:\d+/);
  assert.match(stderr, /Gantry did not come up: portal-api exited 3 times/);
  assert.doesNotMatch(stderr, /^ +at .*:\d+:\d+\)?$/m);
});
