// Fake mail server: accepts every mail over SMTP on loopback and keeps it on disk. It can greylist receivers, refuse
// receivers for good, and speak TLS.
//
//   GET, DELETE /_lab/mails                    the mails, parsed
//   POST /_lab/smtp { code, message, times }   the next mails are refused with this code (4xx or 5xx)

import { isJsonObject } from "@gantry/core/json.ts";
import { SMTPServer, type SMTPServerOptions } from "smtp-server";
import type { Certificate } from "../certificate.ts";
import { type FakeServer, type FakeServerOptions, LOOPBACK, openState, readJson, serve } from "../fake-server.ts";
import { parseMail } from "./mail-parse.ts";

export type LabMail = {
  readonly id: number;
  readonly at: string;
  readonly messageId: string;
  /** Of the envelope: who really sent it, and who really gets it. */
  readonly from: string;
  readonly to: readonly string[];
  readonly subject: string;
  readonly text: string;
  /** In lower case; a header that comes twice is joined with a line end. */
  readonly headers: { readonly [name: string]: string };
  readonly raw: string;
};

export type MailBoxOptions = FakeServerOptions & {
  /** A fixed SMTP port; 0 or absent takes a free one. */
  readonly smtpPort?: number;
  /** Receivers that are answered 450 until this time has passed since they were first asked for by the same sender. */
  readonly greylist?: { readonly receivers: readonly string[]; readonly delayMs: number };
  /** Receivers that are answered 550. */
  readonly unknown?: readonly string[];
  /** `starttls`: offers STARTTLS. `implicit`: TLS from the first byte. */
  readonly smtpTls?: { readonly mode: "starttls" | "implicit"; readonly certificate: Certificate };
};
export type MailBox = FakeServer & {
  readonly smtpPort: number;
  /** Refuses the next mails. */
  readonly refuse: (code: number, message: string, times: number) => void;
};

const MAX_MAIL = 10 * 1_048_576;
const MAX_KEPT = 5_000;

export async function startMailBox(options: MailBoxOptions): Promise<MailBox> {
  const { state, save } = openState(options, () => ({ next: 1, mails: [] as LabMail[] }));
  let refusals: { readonly code: number; readonly message: string }[] = [];
  const refuse = (code: number, message: string, times: number): void => {
    refusals = [...refusals, ...Array.from({ length: times }, () => ({ code, message }))];
  };

  const keep = (raw: string, from: string, to: readonly string[]): void => {
    const mail = parseMail(raw);
    state.mails.push({ id: state.next, at: new Date().toISOString(), from, to, ...mail, raw });
    state.next += 1;
    if (state.mails.length > MAX_KEPT) state.mails.splice(0, state.mails.length - MAX_KEPT);
    save();
  };

  const smtp = new SMTPServer({
    ...tlsOptions(options),
    size: MAX_MAIL,
    closeTimeout: 500,
    logger: false,
    onRcptTo: receiverCheck(options),
    onData: (stream, session, done) => {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("error", done);
      stream.on("end", () => {
        const refusal = refusals.shift();
        if (refusal) return done(refused(refusal.code, refusal.message));
        const { mailFrom, rcptTo } = session.envelope;
        const from = mailFrom === false ? "" : mailFrom.address;
        const to = rcptTo.map((one) => one.address);
        keep(Buffer.concat(chunks).toString("utf8"), from, to);
        done();
      });
    },
  });
  // A sender that disconnects is not an error of the fake.
  smtp.on("error", () => {});
  const smtpPort = await listenSmtp(smtp, options.host ?? LOOPBACK, options.smtpPort ?? 0);

  const fake = await serve(options, (router) => {
    router.get("/_lab/mails", (ctx) => {
      ctx.body = { items: state.mails };
    });
    router.delete("/_lab/mails", (ctx) => {
      state.mails.length = 0;
      save();
      ctx.status = 204;
    });
    router.post("/_lab/smtp", async (ctx) => {
      const body = await readJson(ctx);
      if (isJsonObject(body))
        refuse(Number(body.code ?? 451), String(body.message ?? "a fault"), Number(body.times ?? 1));
      ctx.status = 204;
    });
  });
  return {
    ...fake,
    smtpPort,
    refuse,
    close: async () => {
      await Promise.all([fake.close(), new Promise<void>((resolve) => smtp.close(resolve))]);
    },
  };
}

function refused(responseCode: number, message: string): Error {
  return Object.assign(new Error(message), { responseCode });
}

function tlsOptions({ smtpTls }: MailBoxOptions): SMTPServerOptions {
  if (!smtpTls) return { disabledCommands: ["AUTH", "STARTTLS"] };
  const { mode, certificate } = smtpTls;
  return { disabledCommands: ["AUTH"], secure: mode === "implicit", ...certificate };
}

/** Greylisting as by postgrey: the first attempt of a sender for a receiver starts the clock. */
function receiverCheck({ greylist, unknown = [] }: MailBoxOptions): NonNullable<SMTPServerOptions["onRcptTo"]> {
  const firstAskedMs = new Map<string, number>();
  return ({ address }, session, done) => {
    if (unknown.includes(address)) return done(refused(550, `5.1.1 <${address}>: Recipient address rejected`));
    if (!greylist?.receivers.includes(address)) return done();
    const { mailFrom } = session.envelope;
    const key = `${mailFrom === false ? "" : mailFrom.address} ${address}`;
    const sinceMs = firstAskedMs.get(key) ?? Date.now();
    firstAskedMs.set(key, sinceMs);
    if (Date.now() - sinceMs >= greylist.delayMs) return done();
    done(refused(450, `4.2.0 <${address}>: Recipient address rejected: Greylisted, try again later`));
  };
}

function listenSmtp(smtp: SMTPServer, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    smtp.once("error", reject);
    const server = smtp.listen(port, host, () => {
      smtp.off("error", reject);
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : port);
    });
  });
}
