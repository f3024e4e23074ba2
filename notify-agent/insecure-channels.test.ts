// A channel without certificate checks is reported in the log, as an error, and to the portal.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { makeLogger } from "@gantry/runtime/process/logger.ts";
import { makeNotifyClient } from "@gantry/wire/notify/notify-client.ts";
import { startNotifyAgent } from "./main.ts";

test("channels with insecureSkipVerify are named at the start, mail and messenger alike, and no others", async (t) => {
  const data = await mkdtemp(join(tmpdir(), "gantry-insecure-"));
  t.after(() => rm(data, { recursive: true, force: true }));
  const lines: string[] = [];
  const mail = { kind: "mail", host: "127.0.0.1", from: "gantry@corp.example" };
  const slack = { kind: "messenger", preset: "slack", url: "https://127.0.0.1:9/x" };
  const agent = await startNotifyAgent(
    {
      data,
      agent: { url: "http://127.0.0.1:9", token: "agent-token-of-this-test" },
      token: "platform-token-of-this-test",
      portalUrl: "http://portal",
      channels: {
        mails: { ...mail, insecureSkipVerify: true },
        strict: { ...mail, insecureSkipVerify: false },
        slack: { ...slack, insecureSkipVerify: true },
        usual: slack,
      },
    },
    { logger: makeLogger("notify-agent", "error", { write: (line: string) => void lines.push(line) }) },
  );
  const client = makeNotifyClient({ url: agent.url, token: "platform-token-of-this-test" });
  assert.deepEqual((await client.channels()).items, [
    { name: "mails", kind: "mail", insecureSkipVerify: true },
    { name: "slack", kind: "messenger", insecureSkipVerify: true },
    { name: "strict", kind: "mail" },
    { name: "usual", kind: "messenger" },
  ]);
  await agent.close();
  const named = lines.map((line) => /insecureSkipVerify is set for the channel (\w+): the server's/.exec(line)?.[1]);
  assert.deepEqual(named.filter(Boolean), ["mails", "slack"]);
});
