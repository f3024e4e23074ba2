// A way to speak to people. `connectors/<system>/channel.ts` exports one ChannelType.

import type { z } from "zod";
import type { State } from "../task/states.ts";

export type ChannelType<C = never> = {
  /** `kind:` in the configuration: messenger, mail, webhook. */
  readonly kind: string;
  /** Configuration of one channel of this kind, strict: unknown keys are refused. Secrets are resolved before. */
  readonly config: z.ZodType<C>;
  readonly open: (config: C, tools: ChannelTools) => Channel;
};

export type ChannelTools = { readonly fetch: typeof fetch };

export type Channel = {
  /**
   * Sends one message; the call has its own limit of time (`signal`). Never throws for what the other side does: it
   * answers. May be called again with the same key when an earlier answer was lost; where the other side can
   * recognise the key it is told it (Message-ID, webhook-id), else a duplicate is possible in that one case.
   */
  readonly send: (message: Message, signal: AbortSignal) => Promise<SendResult>;
  readonly close?: () => Promise<void>;
};

export type SendResult =
  | { readonly kind: "delivered"; readonly ref?: string }
  | { readonly kind: "retry"; readonly problem: string; readonly afterMs?: number }
  /** Trying again cannot help: the address is gone, the message is refused. */
  | { readonly kind: "refused"; readonly problem: string };

/** One model object from which every channel renders. Texts are plain; a channel escapes for its own markup. */
export type Message = {
  /** The same for every try of this delivery. */
  readonly key: string;
  /** Messages of one thread belong together: the task. */
  readonly thread: string;
  readonly to: string | undefined;
  readonly state: State;
  /** One line, outcome first: "✕ CD of orders failed at tokyo: argocd/wait". */
  readonly title: string;
  readonly text: string;
  /** Short name and value pairs, in order. */
  readonly facts: readonly (readonly [name: string, value: string])[];
  readonly link: { readonly label: string; readonly url: string } | undefined;
  readonly at: Date;
};
