// `gantry doctor` of what the platform itself uses: mail, a messenger and single sign-on, each from its process.

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { startMailBox } from "@gantry/lab/fakes/mail/mail.ts";
import { startMessenger } from "@gantry/lab/fakes/messenger.ts";
import { startOidc } from "@gantry/lab/fakes/oidc/oidc.ts";
import { startNotifyAgent } from "@gantry/notify-agent/main.ts";
import { startPortal } from "@gantry/portal-api/main.ts";
import { freePort } from "@gantry/runtime/free-ports.ts";
import { makeLogger } from "@gantry/runtime/process/logger.ts";
import { startTaskAgent } from "@gantry/task-agent/main.ts";
import { runCommand } from "../portal.fixture.ts";

const token = "platform-token-of-this-test";
const logger = makeLogger("test", "silent");
const dir = await mkdtemp(join(tmpdir(), "gantry-platform-"));
const mail = await startMailBox({ name: "mail", dir });
const messenger = await startMessenger({ name: "messenger", dir });
const oidc = await startOidc({
  ...{ name: "sso", dir, people: [] },
  clients: [{ id: "gantry", secret: "right", redirectUris: [], postLogoutUris: [] }],
});
await writeFile(join(dir, "good-secret"), "right");
await writeFile(join(dir, "bad-secret"), "wrong");

after(async () => {
  await Promise.all([mail.close(), messenger.close(), oidc.close()]);
  await rm(dir, { recursive: true });
});

async function doctor(folder: string, mailPort: number, secret: string, ...flags: string[]) {
  const data = join(dir, folder);
  const agent = await startTaskAgent({ data, portalUrl: "http://portal", token }, { logger });
  const from = { from: "gantry@example.com", to: ["team@example.com"], tls: "if-offered" };
  const notify = await startNotifyAgent(
    {
      ...{ data: `${data}-notify`, port: 0, token, portalUrl: "http://portal", agent: { url: agent.url, token } },
      channels: {
        mails: { kind: "mail", host: "127.0.0.1", port: mailPort, ...from },
        ops: { kind: "messenger", preset: "slack", url: `${messenger.url}/slack/services/T0/B0/secret-of-hook` },
      },
    },
    { logger },
  );
  const issuer = { id: "sso", name: "SSO", issuer: oidc.url, clientId: "gantry", clientSecretFile: join(dir, secret) };
  const portal = await startPortal(
    {
      ...{ dataDir: `${data}-portal`, port: 0, agent: { url: agent.url, token }, notify: { url: notify.url, token } },
      signIn: { issuers: [issuer] },
    },
    { logger },
  );
  try {
    const env = { GANTRY_PORTAL: portal.url, GANTRY_TOKEN_FILE: join(`${data}-portal`, "admin-token") };
    return await runCommand(["doctor", ...flags], { env });
  } finally {
    await portal.close();
    await notify.close();
    await agent.close();
  }
}

test("doctor tests mail, messengers and single sign-on from the process that uses them", async () => {
  const good = await doctor("good", mail.smtpPort, "good-secret");
  assert.match(
    good.out,
    /platform, tested from the notify-agent\n {2}mails \(mail\)\n {4}✓ accepts messages .*accepts mail/,
  );
  assert.match(good.out, /ops \(messenger\)\n {4}\? accepts messages .* answers; only a message shows/);
  assert.match(
    good.out,
    /tested from the portal-api\n {2}sso \(sso\)\n {4}✓ answers as an issuer .*\n {4}✓ accepts the client /,
  );
  assert.doesNotMatch(good.out, /secret-of-hook|✗/);
  const sent = await doctor("sent", mail.smtpPort, "good-secret", "--send");
  assert.match(sent.out, /ops \(messenger\)\n {4}✓ accepts messages +a test message was sent/);
});

test("what is wrong is named, with what to do", async () => {
  const bad = await doctor("bad", await freePort(), "bad-secret");
  assert.equal(bad.code, 1);
  assert.match(
    bad.out,
    /mails \(mail\)\n {4}✗ accepts messages .*\n +→ Correct the channel in the configuration of the notify-agent/,
  );
  assert.match(bad.out, /✗ accepts the client +It does not accept clientId and clientSecret \(invalid_client\)/);
  assert.doesNotMatch(bad.out, /wrong/);
});
