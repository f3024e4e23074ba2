// A way to send messages to people. `connectors/<system>/channel.ts` exports one ChannelType.

import type { z } from "zod";
import type { JsonObject } from "../json.ts";
import type { State } from "../task/states.ts";

export type ChannelType<C = never> = {
  /** `kind:` in the configuration: messenger, mail. */
  readonly kind: string;
  /**
   * Configuration of one channel of this kind, strict: unknown keys are refused. `kind` is removed, and references to secrets
   * are replaced, before it is parsed.
   */
  readonly config: z.core.$ZodType<C>;
  readonly open: (config: C, tools: ChannelTools) => Channel;
};

export type ChannelTools = { readonly fetch: typeof fetch };

export type Channel = {
  /**
   * Sends one message within the time limit of the call (`signal`). Never throws because of the receiver: every failure is a
   * result. It is called again with the same key when an earlier answer was lost. Send the key where the receiver can
   * recognise it (Message-ID, webhook-id); otherwise this case produces a duplicate.
   */
  readonly send: (message: Message, signal: AbortSignal) => Promise<SendResult>;
  /**
   * Finds out without a message whether one would be accepted. Never throws because of the receiver. Absent: nobody can know
   * it without a message.
   */
  readonly check?: (signal: AbortSignal) => Promise<CheckResult>;
  /** Messages of different lanes do not wait for each other. Default: all messages of the channel are one lane. */
  readonly lane?: (to: string | undefined) => string;
  readonly close?: () => Promise<void>;
};

/** `unknown`: only a message can show it. `says`: for people, one sentence. */
export type CheckResult = { readonly verdict: "yes" | "no" | "unknown"; readonly says: string };

export type SendResult =
  | { readonly kind: "delivered"; readonly ref?: string }
  | { readonly kind: "retry"; readonly problem: string; readonly afterMs?: number }
  /** Another try cannot succeed: the address does not exist, or the message is refused. */
  | { readonly kind: "refused"; readonly problem: string };

export type EarlierMessage = {
  /** The `ref` of its delivery. */
  readonly ref: string;
  readonly to: string | undefined;
  readonly title: string;
};

/** The message that every channel renders. Texts are plain; a channel escapes them for its own markup. */
export type Message = {
  /** The same for every try of this delivery. */
  readonly key: string;
  /** Messages of one thread belong together: the task. */
  readonly thread: string;
  /** What this channel has delivered of the thread, the oldest first; a long thread may be cut after its beginning. */
  readonly earlier?: readonly EarlierMessage[];
  readonly to: string | undefined;
  readonly state: State;
  /** One line, outcome first: "✕ CD of orders failed at tokyo: argocd/wait". */
  readonly title: string;
  readonly text: string;
  /** Pairs of a short name and a value, in order. */
  readonly facts: readonly (readonly [name: string, value: string])[];
  readonly link: Link | undefined;
  /** What the reader can do. Each opens a page of the portal, which asks once more: programs that look at mail open links, too. */
  readonly actions?: readonly Link[];
  /** What a program reads in place of the texts. Only of callbacks. */
  readonly payload?: JsonObject;
  readonly at: Date;
};

export type Link = { readonly label: string; readonly url: string };

/** In the order in which they are shown. */
export function linksOf({ actions = [], link }: Pick<Message, "actions" | "link">): readonly Link[] {
  return [...actions, ...(link ? [link] : [])];
}
