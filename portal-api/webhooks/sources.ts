// Deliveries of the configured sources: who has sent one is checked over the body as it came. What it means is not read here.

import { isUtf8 } from "node:buffer";
import { hash } from "node:crypto";
import { GantryError } from "@gantry/core/errors.ts";
import { KEPT_HEADERS } from "@gantry/core/webhook/read-delivery.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import { openConcurrencyLimit } from "@gantry/runtime/http/concurrency-limit.ts";
import { openRequestLimit } from "@gantry/runtime/http/request-limit.ts";
import type { ReceiveDelivery } from "@gantry/wire/agent/triggers/webhooks.ts";
import { keysOfDelivery } from "./signature.ts";
import { type Env, readSecret, type WebhookSource } from "./source-config.ts";
import type { Sent } from "./webhooks.ts";

export type WebhookSources = {
  /**
   * What to hand to the task-agent; undefined for the test of a connection, which is not signed and means nothing. Rejects with
   * `not-found` for a source that is not configured and `limit-reached`, both before the body is read, `unauthenticated` for a wrong
   * signature, `media-type` for what is no text, and `unavailable` when the secret cannot be read.
   */
  readonly verify: (name: string, sent: Sent) => Promise<ReceiveDelivery | undefined>;
};

/** Deliveries with a wrong signature, or none, that one address may send per second. */
const WRONG_PER_SECOND = 5;
/** Bodies that are read at the same time: their senders are not known yet, and may send slowly. A host sends many at once. */
const BODIES = { perCaller: 100, inAll: 200, what: "open deliveries" };

export function openSources(
  sources: { readonly [name: string]: WebhookSource },
  clock: Pick<Clock, "nowMs" | "monotonicMs">,
  env: Env,
): WebhookSources {
  const count = openRequestLimit(clock, WRONG_PER_SECOND);
  const openBody = openConcurrencyLimit(BODIES);
  const readFrom = async ({ address, readBody }: Sent): Promise<Buffer> => {
    const end = openBody(address);
    try {
      return await readBody();
    } finally {
      end();
    }
  };
  return {
    verify: async (name, sent) => {
      const source = Object.hasOwn(sources, name) ? sources[name] : undefined;
      if (!source) throw new GantryError("not-found", { kind: "webhook", name });
      count(sent.address, 0);
      const read = readSecret(source, env);
      if ("problem" in read)
        throw new GantryError("unavailable", {
          what: `The secret of the webhook ${name}`,
          problem: `${read.problem}.`,
        });
      const body = await readFrom(sent);
      const { host, system } = source;
      if (isConnectionTest(host, sent)) {
        // Nobody has signed it, and it is in the audit log.
        count(sent.address, 1);
        return undefined;
      }
      const keys = keysOfDelivery({ header: sent.header, body }, read.secret, clock.nowMs(), host);
      if (!keys) {
        count(sent.address, 1);
        throw new GantryError("unauthenticated", WRONG_SIGNATURE);
      }
      return {
        source: name,
        host,
        ...(system === undefined ? {} : { system }),
        headers: headersOf(sent),
        body: textOf(body, read.secret),
        keys: keys.map((key) => hash("sha256", `${name} ${key}`)),
      };
    },
  };
}

const WRONG_SIGNATURE = {
  why: "The delivery has no signature or token that was made with the secret of this webhook, or it is too old.",
  todo: "Give the host and the portal the same secret; docs/webhooks.md says where.",
};

/** Bitbucket Data Center does not sign it, and shows its answer to whoever configures the webhook. */
function isConnectionTest(host: WebhookSource["host"], { header }: Sent): boolean {
  return host === "bitbucket-dc" && header("x-event-key") === "diagnostics:ping";
}

function headersOf({ header }: Sent): { [name: string]: string } {
  const found = KEPT_HEADERS.map((name) => [name, header(name).slice(0, 500)] as const);
  return Object.fromEntries(found.filter(([, value]) => value !== ""));
}

/** Gitee repeats the password of the webhook in the body. */
function textOf(body: Buffer, secret: string): string {
  if (!isUtf8(body)) throw new GantryError("media-type", { problem: "it is not valid UTF-8" });
  return body.toString("utf8").replaceAll(JSON.stringify(secret).slice(1, -1), "***");
}
