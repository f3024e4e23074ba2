// The kinds of channels. A new kind needs one entry here and a folder in connectors/.

import { callbackChannel } from "@gantry/connectors/callback/channel.ts";
import { mailChannel } from "@gantry/connectors/mail/channel.ts";
import { messengerChannel } from "@gantry/connectors/messenger/channel.ts";
import type { Channel, ChannelTools, ChannelType } from "@gantry/core/notify/channel.ts";
import { z } from "zod";

/** A channel with a valid configuration. */
export type ReadyChannel = {
  readonly kind: string;
  /** `insecureSkipVerify` is set: the certificate of the other side is not checked. */
  readonly isInsecure: boolean;
  readonly open: (tools: ChannelTools) => Channel;
};

export type ChannelKind = {
  readonly kind: string;
  readonly read: (
    config: unknown,
  ) => { readonly ok: true; readonly channel: ReadyChannel } | { readonly ok: false; readonly error: z.ZodError };
};

export const CHANNEL_KINDS: readonly ChannelKind[] = [kindOf(messengerChannel), kindOf(mailChannel)];

/** Of the addresses that tasks name. No rule sends on it. */
export const CALLBACKS: ChannelKind = kindOf(callbackChannel);

function kindOf<C>({ kind, config, open }: ChannelType<C>): ChannelKind {
  return {
    kind,
    read: (value) => {
      const parsed = z.safeParse(config, value);
      if (!parsed.success) return { ok: false, error: parsed.error };
      const { data } = parsed;
      const isInsecure = isObject(data) && data.insecureSkipVerify === true;
      return { ok: true, channel: { kind, isInsecure, open: (tools) => open(data, tools) } };
    },
  };
}

function isObject(value: unknown): value is { readonly insecureSkipVerify?: unknown } {
  return typeof value === "object" && value !== null;
}
