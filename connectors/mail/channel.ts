// Mail over SMTP.

import { createHash } from "node:crypto";
import type { Channel, ChannelType, Message, SendResult } from "@gantry/core/notify/channel.ts";
import { createTransport, type Transporter } from "nodemailer";
import { z } from "zod";
import { isMailAddress, readReceivers } from "./address.ts";
import { mailHtml, mailSubject, mailText } from "./render.ts";

const address = z.string().refine(isMailAddress, "not a mail address: write name@host, without a display name");

export const mailConfig = z
  .strictObject({
    host: z.string().min(1),
    port: z.int().min(1).max(65_535).default(587),
    /** `implicit`: TLS from the first byte (465). `required`: STARTTLS or nothing. */
    tls: z.enum(["if-offered", "required", "implicit"]).default("required"),
    username: z.string().optional(),
    password: z.string().optional(),
    from: address,
    /** Name beside the sender's address. */
    fromName: z
      .string()
      .regex(/^[^\p{Cc}"<>]{1,100}$/u)
      .default("Gantry"),
    /** Receivers where a rule names none. */
    to: z.array(address).max(50).default([]),
    replyTo: address.optional(),
    subjectPrefix: z
      .string()
      .regex(/^[^\p{Cc}]{0,50}$/u)
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

/** Every step of a conversation with the server has this limit; the signal of a call limits the whole. */
const STEP_MS = 15_000;

function openMail(config: MailConfig): Channel {
  const transport: Transporter<{ messageId: string; rejected: unknown[] }> = createTransport({
    host: config.host,
    port: config.port,
    secure: config.tls === "implicit",
    requireTLS: config.tls === "required",
    ...(config.username === undefined ? {} : { auth: { user: config.username, pass: config.password ?? "" } }),
    connectionTimeout: STEP_MS,
    greetingTimeout: STEP_MS,
    socketTimeout: STEP_MS,
    // Mails of ours have no attachments: nothing may make the library read files or addresses.
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return {
    send: async (message, signal) => {
      const receivers = message.to === undefined ? config.to : readReceivers(message.to);
      if (receivers === undefined)
        return { kind: "refused", problem: "the rule names a receiver that is no mail address" };
      if (receivers.length === 0)
        return { kind: "refused", problem: "neither the rule nor the channel names a receiver" };
      if (signal.aborted) return { kind: "retry", problem: "no answer in time" };
      return Promise.race([deliver(transport, config, message, receivers), whenAborted(signal)]);
    },
    close: async () => transport.close(),
  };
}

async function deliver(
  transport: Transporter<{ messageId: string; rejected: unknown[] }>,
  config: MailConfig,
  message: Message,
  receivers: readonly string[],
): Promise<SendResult> {
  const domain = config.from.slice(config.from.indexOf("@") + 1);
  const thread = `<${fingerprint(message.thread)}.thread@${domain}>`;
  try {
    const sent = await transport.sendMail({
      from: { name: config.fromName, address: config.from },
      to: receivers.map((one) => ({ name: "", address: one })),
      ...(config.replyTo === undefined ? {} : { replyTo: { name: "", address: config.replyTo } }),
      subject: mailSubject(config.subjectPrefix, message.title),
      date: message.at,
      // The same in every try: a mail program shows a mail that comes twice once.
      messageId: `<${fingerprint(message.key)}@${domain}>`,
      inReplyTo: thread,
      references: [thread],
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
    });
    const refused =
      sent.rejected.length > 0 ? ` (${sent.rejected.length} of ${receivers.length} receivers refused)` : "";
    return { kind: "delivered", ref: `${sent.messageId}${refused}` };
  } catch (error) {
    return readMailError(error, config);
  }
}

/**
 * 5xx about the mail or its receivers is final; about signing in it is not, because a person will mend the password.
 * 4xx and everything below SMTP passes.
 */
function readMailError(error: unknown, config: MailConfig): SendResult {
  const { code, responseCode } = error as { code?: unknown; responseCode?: unknown };
  const text = error instanceof Error ? error.message : "the mail could not be sent";
  const hidden = [config.password, config.password && Buffer.from(config.password).toString("base64")];
  const problem = hidden
    .reduce((clean: string, secret) => (secret ? clean.replaceAll(secret, "***") : clean), text)
    .replace(/\s+/g, " ")
    .slice(0, 300);
  const final = typeof responseCode === "number" && responseCode >= 500 && code !== "EAUTH" && code !== "ETLS";
  return { kind: final ? "refused" : "retry", problem };
}

function whenAborted(signal: AbortSignal): Promise<SendResult> {
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve({ kind: "retry", problem: "no answer in time" }), { once: true });
  });
}

function fingerprint(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}
