// Tells a program that a task has ended: one signed request to the address that a request or a pipeline names. The signature is that
// of Standard Webhooks, so receivers can check it with a library.

import { createHmac } from "node:crypto";
import { matchesAny } from "@gantry/core/access/selector.ts";
import { GantryError } from "@gantry/core/errors.ts";
import type { Channel, ChannelTools, ChannelType, Message, SendResult } from "@gantry/core/notify/channel.ts";
import { guardedFetch, guardFor } from "@gantry/runtime/http/guarded-fetch.ts";
import { z } from "zod";
import { type ChannelAnswer, readChannelAnswer } from "../channel-answer.ts";
import { postTo } from "../channel-post.ts";

const KEY = /^whsec_((?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?)$/;
const MIN_KEY_BYTES = 24;

export const callbackConfig = z.strictObject({
  /** `whsec_` and at least 24 random bytes in base64. The receivers have the same key. */
  key: z.string().refine((key) => keyBytes(key).length >= MIN_KEY_BYTES, {
    error: `must be whsec_ and at least ${MIN_KEY_BYTES} random bytes in base64, as of: echo "whsec_$(openssl rand -base64 32)"`,
  }),
  /** The hosts that may be told, such as `ci.example.com` and `*.example.com`. */
  hosts: z.array(z.string().min(1).max(253).toLowerCase()).min(1).max(200),
  /** Addresses on this machine or link-local that may be called: ranges, addresses and names of hosts. */
  allow: z.array(z.string().min(1).max(253)).max(200).default([]),
});
export type CallbackConfig = z.output<typeof callbackConfig>;

export const callbackChannel: ChannelType<CallbackConfig> = { kind: "callback", config: callbackConfig, open };

function open(config: CallbackConfig, tools: ChannelTools): Channel {
  const through = { fetch: guardedFetch(tools.fetch, config.allow) };
  return {
    send: async (message, signal) => {
      const url = message.to ?? "";
      const problem = await refusal(config, url);
      if (problem !== undefined) return { kind: "refused", problem };
      const request = { body: ({ payload = {} }: Message) => payload, sign: signer(config.key), read: readAnswer };
      return postTo({ url, secrets: [config.key] }, request, through)(message, signal);
    },
    // A receiver that does not answer must not hold up what others wait for.
    lane: (to = "") => URL.parse(to)?.host ?? "",
  };
}

/** Why the address may not be called; undefined when it may. A name that cannot be resolved may be resolved later. */
async function refusal({ hosts, allow }: CallbackConfig, to: string): Promise<string | undefined> {
  const url = URL.parse(to);
  if (url === null || !/^https?:$/.test(url.protocol)) return "the address is not one of http or https";
  if (!matchesAny(hosts, url.hostname)) return `${url.hostname} is not among the \`hosts\` of \`callbacks\``;
  try {
    await guardFor(allow).check(url.hostname);
    return undefined;
  } catch (error) {
    if (error instanceof GantryError) return `${url.hostname} may not be called: it is ${String(error.details.what)}`;
    throw error;
  }
}

/** The time is that of the attempt, so that a receiver can refuse what is old. */
function signer(key: string): (body: string, id: string) => { readonly [name: string]: string } {
  return (body, id) => {
    const timestamp = String(Math.floor(Date.now() / 1_000));
    const signature = createHmac("sha256", keyBytes(key)).update(`${id}.${timestamp}.${body}`).digest("base64");
    return { "webhook-timestamp": timestamp, "webhook-signature": `v1,${signature}` };
  };
}

function keyBytes(key: string): Buffer {
  return Buffer.from(KEY.exec(key)?.[1] ?? "", "base64");
}

/** What a program says in the body of a success means nothing here. */
function readAnswer(answer: ChannelAnswer, nowMs: number): SendResult {
  if (answer.status >= 200 && answer.status < 300) return { kind: "delivered" };
  return readChannelAnswer(answer, nowMs);
}
