// Sends a message as one JSON request: what every channel over HTTP has in common. It never throws, never follows a
// redirect, and removes secrets from every problem.

import { explain, GantryError } from "@gantry/core/errors.ts";
import type { JsonValue } from "@gantry/core/json.ts";
import { createMasker } from "@gantry/core/mask/masker.ts";
import type { ChannelTools, CheckResult, Message, SendResult } from "@gantry/core/notify/channel.ts";
import { connectionProblem } from "@gantry/core/system-error-words.ts";
import { type Trust, trustingFetch } from "@gantry/runtime/http/trusting-fetch.ts";
import { z } from "zod";
import { tlsProblem } from "./certificate.ts";
import { type ChannelAnswer, readChannelAnswer } from "./channel-answer.ts";

/** The settings of a receiver that every channel over HTTP has. */
export const receiver = {
  url: z.url({ protocol: /^https?$/ }),
  /** PEM file with certificates to trust besides the usual ones. */
  ca: z.string().min(1).optional(),
  /** Accepts any certificate: whoever is between here and the receiver can read the messages and the token. */
  insecureSkipVerify: z.boolean().optional(),
};

export type Receiver = Trust & {
  /** Its path and its query count as secrets, too. */
  readonly url: string;
  /** Tokens that the receiver may repeat in an error text. */
  readonly secrets: readonly string[];
};

export type Post = {
  readonly method?: "POST" | "PUT";
  readonly headers?: { readonly [name: string]: string };
  readonly body: (message: Message) => JsonValue;
  /** More headers, from the body as it is sent and the value of `webhook-id`. */
  readonly sign?: (body: string, id: string) => { readonly [name: string]: string };
  /** Default: `readChannelAnswer`. */
  readonly read?: typeof readChannelAnswer;
};

const MAX_ANSWER = 65_536;

/** The `send` of a channel. The key of the message is sent as `webhook-id`. */
export function postTo(
  to: Receiver,
  request: Post,
  tools: ChannelTools,
): (message: Message, signal: AbortSignal) => Promise<SendResult> {
  const clean = cleanerOf(to);
  const { host } = new URL(to.url);
  const through = { fetch: trustingFetch(tools.fetch, `the receiver ${host}`, to) };
  return async (message, signal) => {
    try {
      const { read = readChannelAnswer } = request;
      return read(await post(to, request, message, through, signal, clean), Date.now());
    } catch (error) {
      if (signal.aborted) return { kind: "retry", problem: "no answer in time" };
      return { kind: "retry", problem: failureInWords(error, host, clean) };
    }
  };
}

/** The `check` of a channel: whether the host answers. A token or a webhook is only tested by a message. */
export function reachOf(to: Receiver, tools: ChannelTools): (signal: AbortSignal) => Promise<CheckResult> {
  const clean = cleanerOf(to);
  const { host } = new URL(to.url);
  const through = { fetch: trustingFetch(tools.fetch, `the receiver ${host}`, to) };
  return async (signal) => {
    try {
      // Without a body and without a token: no receiver takes it for a message.
      const { status } = await through.fetch(to.url, { method: "HEAD", redirect: "manual", signal });
      if (status >= 500) return { verdict: "no", says: `${host} answers with status ${status}` };
      return { verdict: "unknown", says: `${host} answers; only a message shows whether it accepts one` };
    } catch (error) {
      if (signal.aborted) return { verdict: "no", says: `${host} does not answer in time` };
      return { verdict: "no", says: failureInWords(error, host, clean) };
    }
  };
}

function failureInWords(error: unknown, host: string, clean: (text: string) => string): string {
  if (error instanceof GantryError) return clean(explain(error).why);
  const untrusted = tlsProblem(error);
  const advice = `the certificate of ${host} is not trusted (${untrusted}): name its authority with ca:, or correct url:`;
  return clean(untrusted === undefined ? connectionProblem(error) : advice);
}

/** Secrets are removed from the answer before it is truncated: half a secret could not be recognised. */
async function post(
  { url }: Receiver,
  { method = "POST", headers = {}, body, sign }: Post,
  message: Message,
  tools: ChannelTools,
  signal: AbortSignal,
  clean: (text: string) => string,
): Promise<ChannelAnswer> {
  // Lets receivers recognise a repeated message. Header values must be ASCII.
  const id = encodeURIComponent(message.key);
  const text = JSON.stringify(body(message));
  const response = await tools.fetch(url, {
    method,
    headers: {
      "content-type": "application/json",
      "user-agent": "gantry",
      "webhook-id": id,
      ...headers,
      ...sign?.(text, id),
    },
    body: text,
    redirect: "manual",
    signal,
  });
  return {
    status: response.status,
    type: response.headers.get("content-type") ?? "",
    text: clean(await readStart(response)),
    retryAfter: response.headers.get("retry-after"),
  };
}

/** The address of a webhook is a secret as a whole; a receiver may repeat only a part of it. */
function cleanerOf({ url, secrets }: Receiver): (text: string) => string {
  const { pathname, search } = new URL(url);
  const inAddress = [...pathname.split("/"), ...search.slice(1).split(/[&=]/)].filter((part) => part.length >= 8);
  const masker = createMasker();
  for (const secret of [url, ...secrets, ...inAddress]) masker.add(secret);
  return masker.text;
}

async function readStart(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk);
    size += chunk.byteLength;
    if (size >= MAX_ANSWER) break;
  }
  return Buffer.concat(chunks).subarray(0, MAX_ANSWER).toString("utf8");
}
