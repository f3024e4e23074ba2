// Mail over SMTP.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { type ConnectionOptions, getCACertificates } from "node:tls";
import { GantryError } from "@gantry/core/errors.ts";
import type {
  Channel,
  ChannelType,
  CheckResult,
  EarlierMessage,
  Message,
  SendResult,
} from "@gantry/core/notify/channel.ts";
import { truncate } from "@gantry/core/truncate.ts";
import { createTransport, type SendMailOptions, type Transporter } from "nodemailer";
import { z } from "zod";
import { isMailAddress, readReceivers } from "./address.ts";
import { type Attempt, decideDelivery, type Rejection } from "./decide-delivery.ts";
import { mailHtml, mailSubject, mailText } from "./render.ts";

const address = z.string().refine(isMailAddress, "not a mail address: write name@host, without a display name");

export const mailConfig = z
  .strictObject({
    host: z.string().min(1),
    port: z.int().min(1).max(65_535).default(587),
    /** `implicit`: TLS from the first byte (465). `required`: STARTTLS, or the mail is not sent. */
    tls: z.enum(["if-offered", "required", "implicit"]).default("required"),
    /** PEM file with certificates to trust in addition to the usual ones. */
    ca: z.string().min(1).optional(),
    /** Accepts any certificate: whoever is between here and the server can read the mails and the password. */
    insecureSkipVerify: z.boolean().optional(),
    username: z.string().optional(),
    password: z.string().optional(),
    from: address,
    /** Display name of the sender. */
    fromName: z
      .string()
      .regex(/^[^\p{Cc}"<>]{1,100}$/u, "must have 1 to 100 characters, without quotes, < and >")
      .default("Gantry"),
    /** Receivers when a rule names none. */
    to: z.array(address).max(50).default([]),
    replyTo: address.optional(),
    subjectPrefix: z
      .string()
      .regex(/^[^\p{Cc}]{0,50}$/u, "must be one line of at most 50 characters")
      .default("[gantry]"),
  })
  .refine((config) => config.username === undefined || config.tls !== "if-offered", {
    path: ["tls"],
    error: "with a user name it must be required or implicit: the password would travel in the open",
  })
  .refine((config) => (config.username === undefined) === (config.password === undefined), {
    path: ["password"],
    error: "username and password belong together",
  });
export type MailConfig = z.output<typeof mailConfig>;

export const mailChannel: ChannelType<MailConfig> = { kind: "mail", config: mailConfig, open: openMail };

/** Limit of each step of the conversation with the server; the signal of a call limits the whole. */
const STEP_MS = 15_000;
/** Deliveries whose receivers are remembered while some of them are still to be tried again. */
const MAX_OPEN = 1_000;

type Sent = { readonly messageId: string; readonly rejectedErrors?: readonly RejectedReceiver[] };
type RejectedReceiver = Error & { readonly recipient?: string; readonly responseCode?: number };
type Transport = Transporter<Sent>;

function openMail(config: MailConfig): Channel {
  const transport: Transport = createTransport({
    host: config.host,
    port: config.port,
    secure: config.tls === "implicit",
    requireTLS: config.tls === "required",
    tls: tlsOf(config),
    ...(config.username === undefined ? {} : { auth: { user: config.username, pass: config.password ?? "" } }),
    connectionTimeout: STEP_MS,
    greetingTimeout: STEP_MS,
    socketTimeout: STEP_MS,
    // Mails have no attachments: nothing may make the library read files or addresses.
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  /** Who has got the mail of a delivery that is not over, by the delivery's key. */
  const reached = new Map<string, ReadonlySet<string>>();
  return {
    send: async (message, signal) => {
      const receivers = message.to === undefined ? config.to : readReceivers(message.to);
      if (receivers === undefined)
        return { kind: "refused", problem: "the rule names a receiver that is not a mail address" };
      if (receivers.length === 0)
        return { kind: "refused", problem: "neither the rule nor the channel names a receiver" };
      if (signal.aborted) return { kind: "retry", problem: "no answer in time" };
      return Promise.race([deliver({ transport, config, reached }, message, receivers), whenAborted(signal)]);
    },
    check: (signal) => Promise.race([checkServer(transport, config), notInTime(signal)]),
    close: async () => transport.close(),
  };
}

/** Connects, and signs in if there is an account. The server may still refuse a sender or a receiver. */
async function checkServer(transport: Transport, config: MailConfig): Promise<CheckResult> {
  const at = `${config.host}:${config.port}`;
  try {
    await transport.verify();
    const { username, to } = config;
    const who = username === undefined ? "without an account" : `as ${username}`;
    const receivers = to.length === 0 ? "; it names no receiver, so only rules with receivers send anything" : "";
    return { verdict: "yes", says: `${at} accepts mail ${who}${receivers}` };
  } catch (error) {
    const { kind, ...rest } = readMailError(error, config);
    return { verdict: "no", says: "problem" in rest ? `${at}: ${rest.problem}` : kind };
  }
}

async function notInTime(signal: AbortSignal): Promise<CheckResult> {
  await whenAborted(signal);
  return { verdict: "no", says: "no answer in time" };
}

/** The file is read when the channel is opened. Throws `authority-unreadable`. */
function tlsOf({ host, ca, insecureSkipVerify }: MailConfig): ConnectionOptions {
  if (insecureSkipVerify === true) return { rejectUnauthorized: false };
  if (ca === undefined) return {};
  try {
    const found = readFileSync(ca, "utf8").match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g);
    if (found) return { ca: [...getCACertificates(), ...found] };
    throw new Error("it does not contain a PEM certificate");
  } catch (error) {
    const problem = `${ca}: ${error instanceof Error ? error.message : "cannot be read"}.`;
    throw new GantryError("authority-unreadable", { system: `the mail server ${host}`, problem });
  }
}

type Mailer = {
  readonly transport: Transport;
  readonly config: MailConfig;
  readonly reached: Map<string, ReadonlySet<string>>;
};

/** Sends to the receivers that have not got it yet. Those that are refused with 4xx are tried again, and they alone. */
async function deliver(
  { transport, config, reached }: Mailer,
  message: Message,
  receivers: readonly string[],
): Promise<SendResult> {
  const before = reached.get(message.key) ?? new Set<string>();
  const open = receivers.filter((one) => !before.has(one));
  const attempt = await attemptOf(transport, config, message, open);
  const decision = decideDelivery({ before, open, attempt });
  reached.delete(message.key);
  if (decision.result.kind === "retry" && decision.reached.size > 0) {
    reached.set(message.key, decision.reached);
    for (const oldest of [...reached.keys()].slice(0, Math.max(0, reached.size - MAX_OPEN))) reached.delete(oldest);
  }
  return decision.result;
}

async function attemptOf(
  transport: Transport,
  config: MailConfig,
  message: Message,
  to: readonly string[],
): Promise<Attempt> {
  const rejections = (errors: readonly RejectedReceiver[] | undefined): Rejection[] =>
    (errors ?? []).map(({ recipient = "", responseCode = 450, message: text }) => ({
      receiver: recipient,
      code: responseCode,
      text: cleaned(text, config),
    }));
  try {
    const sent = await transport.sendMail(mailOf(config, message, to));
    return { messageId: sent.messageId, rejected: rejections(sent.rejectedErrors) };
  } catch (error) {
    const { rejectedErrors } = error as { rejectedErrors?: readonly RejectedReceiver[] };
    const rejected = rejections(rejectedErrors);
    return rejected.length === to.length ? { rejected } : { failure: readMailError(error, config) };
  }
}

function mailOf(config: MailConfig, message: Message, to: readonly string[]): SendMailOptions {
  const domain = config.from.slice(config.from.indexOf("@") + 1);
  const [first, ...others] = firstOfEach(config, message, to);
  return {
    from: { name: config.fromName, address: config.from },
    to: to.map((one) => ({ name: "", address: one })),
    ...(config.replyTo === undefined ? {} : { replyTo: { name: "", address: config.replyTo } }),
    // Mail programs put mails together that answer a mail that is there and have its subject.
    subject: `${first ? "Re: " : ""}${mailSubject(config.subjectPrefix, (first ?? message).title)}`,
    date: message.at,
    // The same in every attempt: a mail program shows a mail that arrives twice once.
    messageId: `<${fingerprint(message.key)}@${domain}>`,
    ...(first ? { inReplyTo: first.ref, references: [first, ...others].map(({ ref }) => ref) } : {}),
    headers: {
      "Auto-Submitted": "auto-generated",
      "X-Auto-Response-Suppress": "All",
      "X-Gantry-State": message.state,
      "X-Gantry-Thread": encodeURIComponent(message.thread),
    },
    text: mailText(message),
    html: mailHtml(message),
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}

/** For each receiver the first mail of the thread that it has got. Usually they are the same one. */
function firstOfEach(config: MailConfig, { earlier = [] }: Message, to: readonly string[]): readonly EarlierMessage[] {
  const got = earlier.map((one) => [one, (one.to === undefined ? config.to : readReceivers(one.to)) ?? []] as const);
  const firsts = new Set(to.map((receiver) => got.find(([, receivers]) => receivers.includes(receiver))?.[0]));
  return earlier.filter((one) => firsts.has(one));
}

/**
 * A 5xx about the mail is final. About signing in it is not, because the password can be corrected, nor in the greeting: there
 * it says that nobody serves at the moment. 4xx and everything below SMTP passes.
 */
function readMailError(error: unknown, config: MailConfig): SendResult {
  const { code, responseCode, command } = error as { code?: unknown; responseCode?: unknown; command?: unknown };
  const text = error instanceof Error ? error.message : "the mail could not be sent";
  const problem = cleaned(tlsAdvice(text, config) ?? text, config);
  const isAboutMail = code !== "EAUTH" && code !== "ETLS" && !BEFORE_MAIL.includes(String(command));
  const final = typeof responseCode === "number" && responseCode >= 500 && isAboutMail;
  return { kind: final ? "refused" : "retry", problem };
}

/** What the library calls the parts of a conversation before the mail is spoken of. */
const BEFORE_MAIL: readonly string[] = ["CONN", "EHLO", "HELO", "LHLO", "STARTTLS"];

/** What to change when TLS fails; OpenSSL's own words name neither the server nor the remedy. */
function tlsAdvice(text: string, { host, port, tls }: MailConfig): string | undefined {
  const at = `${host}:${port}`;
  if (
    /self-signed|unable to verify|unable to get (local )?issuer|certificate has expired|altnames|certificate/i.test(
      text,
    )
  ) {
    return `the certificate of ${at} is not trusted (${text}): name its authority with ca:, or correct host:`;
  }
  if (/wrong version number|packet length too long|record layer/i.test(text) && tls === "implicit") {
    return `${at} does not speak TLS from the first byte: use tls: required there, or port 465 (${text})`;
  }
  if (/greeting never received/i.test(text) && tls !== "implicit") {
    return `${at} gave no greeting: if it expects TLS from the first byte, as port 465 does, use tls: implicit (${text})`;
  }
  if (/STARTTLS/i.test(text) && tls === "required")
    return `${at} does not offer STARTTLS, and tls: required needs it; without a user name, tls: if-offered does without (${text})`;
  return undefined;
}

/** One line without the password, which servers may repeat. */
function cleaned(text: string, { password }: MailConfig): string {
  const hidden = [password, password && Buffer.from(password).toString("base64")];
  const clean = hidden.reduce((rest: string, secret) => (secret ? rest.replaceAll(secret, "***") : rest), text);
  return truncate(clean.replace(/\s+/g, " "), 300);
}

function whenAborted(signal: AbortSignal): Promise<SendResult> {
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve({ kind: "retry", problem: "no answer in time" }), { once: true });
  });
}

function fingerprint(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}
