// A mail box: takes every mail over SMTP on loopback and keeps it on disk.
//
//   GET, DELETE /_lab/mails             what came, parsed
//   POST /_lab/smtp { code, message, times }   the next mails are refused so (4xx or 5xx)

import { isJsonObject } from "@gantry/core/json.ts";
import { SMTPServer } from "smtp-server";
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
    disabledCommands: ["AUTH", "STARTTLS"],
    size: MAX_MAIL,
    closeTimeout: 500,
    logger: false,
    onData: (stream, session, done) => {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("error", done);
      stream.on("end", () => {
        const refusal = refusals.shift();
        if (refusal) {
          done(Object.assign(new Error(refusal.message), { responseCode: refusal.code }));
          return;
        }
        const { mailFrom, rcptTo } = session.envelope;
        const from = mailFrom === false ? "" : mailFrom.address;
        keep(
          Buffer.concat(chunks).toString("utf8"),
          from,
          rcptTo.map((one) => one.address),
        );
        done();
      });
    },
  });
  // A sender that goes away in the middle is nothing to stop for.
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
