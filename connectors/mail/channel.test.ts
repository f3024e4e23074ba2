import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import type { Channel, Message } from "@gantry/core/notify/channel.ts";
import { selfSigned } from "@gantry/lab/fakes/certificate.ts";
import { type LabMail, type MailBox, type MailBoxOptions, startMailBox } from "@gantry/lab/fakes/mail/mail.ts";
import { isMailAddress, readReceivers } from "./address.ts";
import { mailChannel, mailConfig } from "./channel.ts";

const message: Message = {
  key: "task-ended/t01/mail",
  thread: "t01",
  to: undefined,
  state: "failed",
  title: "✕ Run CD: orders failed at deploy[tokyo]: wait",
  text: "The app is Degraded.\nCorrect the image <b>now</b>.",
  facts: [["App", "orders"]],
  link: { label: "Open the task", url: "https://portal.example/tasks/t01?a=1&b=2" },
  at: new Date(1_750_000_000_000),
};

async function startLab(
  t: TestContext,
  more: object = {},
  server: Partial<MailBoxOptions> = {},
): Promise<{ box: MailBox; channel: Channel; dir: string }> {
  const dir = await mkdtemp(join(tmpdir(), "gantry-mail-"));
  const box = await startMailBox({ name: "mail", dir, ...server });
  const channel = openChannel(box.smtpPort, more);
  t.after(async () => {
    await channel.close?.();
    await box.close();
    await rm(dir, { recursive: true, force: true });
  });
  return { box, channel, dir };
}

/** A server that says these lines: the first when it is called, each other one when it has been spoken to. */
async function startSpeaker(t: TestContext, lines: readonly string[]): Promise<number> {
  const server = createServer((socket) => {
    const left = [...lines];
    const speak = (): void => {
      const line = left.shift();
      if (line === undefined) socket.end();
      else socket.write(`${line}\r\n`);
    };
    socket.on("error", () => {}).on("data", speak);
    speak();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

function openChannel(port: number, more: object = {}): Channel {
  const config = {
    host: "127.0.0.1",
    port,
    tls: "if-offered",
    from: "gantry@corp.example",
    to: ["ops@corp.example"],
    ...more,
  };
  return mailChannel.open(mailConfig.parse(config), { fetch });
}

async function received(box: MailBox): Promise<readonly LabMail[]> {
  return ((await (await fetch(`${box.url}/_lab/mails`)).json()) as { items: LabMail[] }).items;
}

const limit = (): AbortSignal => AbortSignal.timeout(60_000);

describe("a mail", () => {
  test("arrives with its outcome first, text before HTML, marked as sent by a machine", async (t) => {
    const { box, channel } = await startLab(t);
    const result = await channel.send(message, limit());
    const [mail] = await received(box);
    assert.ok(mail);
    assert.deepEqual(result, { kind: "delivered", ref: mail.messageId });
    assert.equal(mail.subject, "[gantry] ✕ Run CD: orders failed at deploy[tokyo]: wait");
    assert.deepEqual([mail.from, mail.to], ["gantry@corp.example", ["ops@corp.example"]]);
    assert.equal(mail.headers["auto-submitted"], "auto-generated");
    assert.match(mail.text, /^✕ Run CD.*Degraded\.\nCorrect.*App: orders.*https:\/\/portal\.example/s);
    assert.ok(mail.raw.indexOf("text/plain") < mail.raw.indexOf("text/html"));
    assert.equal(new Date(mail.headers.date ?? "").getTime(), message.at.getTime());
  });

  test("has the same Message-ID in every try, and another for another key", async (t) => {
    const { box, channel } = await startLab(t);
    await channel.send(message, limit());
    await channel.send(message, limit());
    await channel.send({ ...message, key: "job-held/t01/mail" }, limit());
    const [one, again, other] = await received(box);
    assert.ok(one && again && other);
    assert.match(one.messageId, /^<[0-9a-f]{32}@corp\.example>$/);
    assert.equal(again.messageId, one.messageId);
    assert.notEqual(other.messageId, one.messageId);
    // The first mail of a thread answers nothing.
    assert.deepEqual([one.headers["in-reply-to"], one.headers.references], [undefined, undefined]);
  });

  test("answers the first mail of its thread that each receiver has got, with its subject", async (t) => {
    const { box, channel } = await startLab(t);
    const [kim, lee, ops] = ["kim@corp.example", "lee@corp.example", "ops@corp.example"];
    const earlier = [
      { ref: "<1@corp.example>", to: kim, title: "one" },
      { ref: "<2@corp.example>", to: `${kim}, ${lee}`, title: "two" },
      { ref: "<3@corp.example>", to: undefined, title: "three" },
      { ref: "<4@corp.example>", to: lee, title: "four" },
    ];
    const rows: readonly (readonly [to: string | undefined, refs: string, title: string])[] = [
      [kim, "1", "one"],
      [lee, "2", "two"],
      [`${lee},${kim}`, "1 2", "one"],
      [undefined, "3", "three"],
      [ops, "3", "three"],
      [`${ops}, ${kim}, ${lee}`, "1 2 3", "one"],
      ["new@corp.example", "", ""],
      [`new@corp.example, ${lee}`, "2", "two"],
    ];
    for (const [to, refs, title] of rows) {
      await channel.send({ ...message, to, earlier }, limit());
      const mail = (await received(box)).at(-1);
      const ids = refs.split(" ").flatMap((ref) => (ref === "" ? [] : [`<${ref}@corp.example>`]));
      assert.equal(mail?.headers.references?.replace(/\s+/g, " "), ids.length === 0 ? undefined : ids.join(" "), to);
      assert.equal(mail?.headers["in-reply-to"], ids[0], to);
      assert.equal(mail?.subject, title === "" ? `[gantry] ${message.title}` : `Re: [gantry] ${title}`, to);
    }
  });

  test("goes to whom the rule names", async (t) => {
    const { box, channel } = await startLab(t);
    await channel.send({ ...message, to: "kim@corp.example, lee@corp.example" }, limit());
    assert.deepEqual((await received(box))[0]?.to, ["kim@corp.example", "lee@corp.example"]);
  });
});

describe("nothing can be smuggled in", () => {
  for (const to of [
    "kim@corp.example\r\nBcc: evil@evil.example",
    "kim@corp.example\nevil@evil.example",
    "Kim <kim@corp.example>",
    '"a\r\nRCPT TO:<evil@evil.example>"@corp.example',
    "kim",
    "",
    "kim@corp.example,,lee@corp.example",
    "kim@corp.example;lee@corp.example",
    "kim@corp.example>\r\nDATA",
    "-oX@corp.example\0",
    "주문@corp.example",
  ]) {
    test(`the receiver ${JSON.stringify(to)} is refused`, async (t) => {
      const { box, channel } = await startLab(t);
      assert.equal((await channel.send({ ...message, to }, limit())).kind, "refused");
      assert.equal((await received(box)).length, 0);
    });
  }

  test("by a title, a thread or a fact", async (t) => {
    const { box, channel } = await startLab(t);
    const evil = "x\r\nBcc: evil@evil.example\r\n\r\n<script>alert(1)</script>\u2028\u0085";
    await channel.send({ ...message, title: evil, thread: evil, key: evil, facts: [[evil, evil]] }, limit());
    const [mail] = await received(box);
    assert.ok(mail);
    assert.deepEqual(mail.to, ["ops@corp.example"]);
    assert.equal(mail.headers.bcc, undefined);
    assert.match(mail.subject, /^\[gantry\] x Bcc: evil@evil\.example <script>/);
    const html = mail.raw.slice(mail.raw.indexOf("text/html"));
    assert.doesNotMatch(html, /<script>|<b>/);
  });
});

describe("what the server says", () => {
  for (const [code, kind] of [
    [421, "retry"],
    [451, "retry"],
    [550, "refused"],
    [552, "refused"],
  ] as const) {
    test(`${code} is ${kind}`, async (t) => {
      const { box, channel } = await startLab(t);
      box.refuse(code, "not this one", 1);
      const result = await channel.send(message, limit());
      assert.equal(result.kind, kind);
      assert.match("problem" in result ? result.problem : "", /not this one/);
      assert.equal((await channel.send(message, limit())).kind, "delivered");
    });
  }

  for (const [what, answers] of [
    ["the greeting", ["554 no backend is up"]],
    ["the answer to EHLO and HELO", ["220 mail", "550 not yet", "550 not yet"]],
    ["a closing line after the greeting", ["220 mail", "421 shutting down"]],
    ["a page of a proxy", ["HTTP/1.1 400 Bad Request"]],
  ] as const) {
    test(`a server that starts says nothing about the mail: ${what}`, async (t) => {
      const channel = openChannel(await startSpeaker(t, answers));
      const result = await channel.send(message, limit());
      assert.equal(result.kind, "retry", JSON.stringify(result));
    });
  }

  test("a server that is away is tried again", async () => {
    const channel = openChannel(9);
    assert.equal((await channel.send(message, limit())).kind, "retry");
  });

  test("a server without TLS gets no mail where TLS is required", async (t) => {
    const { box, channel } = await startLab(t, { tls: "required" });
    assert.equal((await channel.send(message, limit())).kind, "retry");
    assert.equal((await received(box)).length, 0);
  });

  test("a call that was given up is tried again", async (t) => {
    const { channel } = await startLab(t);
    assert.deepEqual(await channel.send(message, AbortSignal.abort()), { kind: "retry", problem: "no answer in time" });
  });

  test("a message without receivers is refused", async (t) => {
    const { channel } = await startLab(t, { to: [] });
    assert.equal((await channel.send(message, limit())).kind, "refused");
  });
});

test("addresses", () => {
  for (const good of ["a@b", "first.last+tag@sub.corp.example", "o'neil@corp.example"])
    assert.ok(isMailAddress(good), good);
  for (const bad of [
    "a@b@c",
    ".a@b",
    "a.@b",
    "a..b@c",
    "a@-b",
    "a@b-",
    "a@b..c",
    `${"x".repeat(65)}@b`,
    `a@${"b.".repeat(130)}c`,
  ]) {
    assert.ok(!isMailAddress(bad), bad);
  }
  assert.deepEqual(readReceivers("a@b, a@b,c@d"), ["a@b", "c@d"]);
  assert.equal(readReceivers(Array.from({ length: 51 }, (_, at) => `a${at}@b`).join(",")), undefined);
});

test("a password is never sent in the open, and never without its user name", () => {
  const base = { host: "smtp.example", from: "gantry@corp.example" };
  const ok = (more: object): boolean => mailConfig.safeParse({ ...base, ...more }).success;
  assert.ok(ok({ username: "u", password: "p" }));
  assert.ok(!ok({ username: "u", password: "p", tls: "if-offered" }));
  assert.ok(!ok({ username: "u" }));
  assert.ok(!ok({ from: "Gantry <gantry@corp.example>" }));
  assert.ok(!ok({ colour: "red" }));
});

describe("several receivers", () => {
  const [ops, grey, gone] = ["ops@corp.example", "grey@corp.example", "gone@corp.example"];
  const greylist = { receivers: [grey], delayMs: 100 };

  test("a receiver that greylists gets the mail later, and no other receiver gets it twice", async (t) => {
    const { box, channel } = await startLab(t, { to: [ops, grey, gone] }, { greylist, unknown: [gone] });
    const first = await channel.send(message, limit());
    assert.equal(first.kind, "retry");
    assert.match("problem" in first ? first.problem : "", /1 of 3 receivers: .*Greylisted/);
    const results: string[] = [first.kind];
    while (results.at(-1) === "retry") results.push((await channel.send(message, limit())).kind);
    assert.equal(results.at(-1), "delivered");
    const mails = await received(box);
    assert.deepEqual(
      mails.map((one) => one.to),
      [[ops], [grey]],
    );
    assert.equal(new Set(mails.map((one) => one.messageId)).size, 1);
  });

  test("all that greylist get it later; all that are unknown end it", async (t) => {
    const { channel } = await startLab(t, { to: [grey] }, { greylist, unknown: [gone] });
    assert.equal((await channel.send(message, limit())).kind, "retry");
    const refused = await channel.send({ ...message, key: "other", to: gone }, limit());
    assert.deepEqual(refused.kind, "refused");
    assert.match("problem" in refused ? refused.problem : "", /Recipient address rejected/);
  });
});

describe("TLS", () => {
  const certificate = selfSigned(["localhost"]);
  const send = async (t: TestContext, mode: "starttls" | "implicit", more: object): Promise<string> => {
    const { channel } = await startLab(t, { host: "localhost", ...more }, { smtpTls: { mode, certificate } });
    const result = await channel.send(message, limit());
    return `${result.kind} ${"problem" in result ? result.problem : ""}`;
  };

  test("a certificate that is not trusted names the server and the remedy; ca and insecureSkipVerify are obeyed", async (t) => {
    const { dir } = await startLab(t);
    const ca = join(dir, "ca.pem");
    await writeFile(ca, certificate.cert);
    for (const [mode, tls] of [
      ["starttls", "required"],
      ["implicit", "implicit"],
    ] as const) {
      assert.match(await send(t, mode, { tls }), /^retry the certificate of localhost:\d+ is not trusted .*ca:/);
      assert.match(await send(t, mode, { tls, ca }), /^delivered/);
      assert.match(await send(t, mode, { tls, insecureSkipVerify: true }), /^delivered/);
      assert.match(await send(t, mode, { tls, ca, host: "127.0.0.1" }), /^retry the certificate of 127\.0\.0\.1:/);
    }
  });

  test("modes that are swapped say which one to use", async (t) => {
    const any = { insecureSkipVerify: true };
    assert.match(
      await send(t, "starttls", { ...any, tls: "implicit" }),
      /^retry localhost:\d+ does not speak TLS from the first byte: use tls: required/,
    );
  });

  test("an unusable CA file is reported when the channel is opened", () => {
    assert.throws(
      () => openChannel(25, { ca: "/nonexistent.pem" }),
      /certificate authority of the mail server 127\.0\.0\.1/,
    );
  });
});
