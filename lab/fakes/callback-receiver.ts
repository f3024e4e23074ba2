// A program that is told of the ends of tasks. It checks signatures as Standard Webhooks says (https://www.standardwebhooks.com):
// HMAC-SHA256 over `id.timestamp.body`, at most five minutes old; anything else is answered 401. A repeated id is accepted and not
// taken twice.
//
//   POST /{path}                    GET /_lab/callbacks

import { createHmac, timingSafeEqual } from "node:crypto";
import type { JsonValue } from "@gantry/core/json.ts";
import type Koa from "koa";
import { Answer, type FakeServer, type FakeServerOptions, openState, readBytes, serve } from "./fake-server.ts";

export type LabCallback = { readonly path: string; readonly id: string; readonly body: JsonValue };

const TOLERANCE_S = 300;

/** `key`: `whsec_` and the bytes in base64. */
export function startCallbackReceiver(options: FakeServerOptions & { readonly key: string }): Promise<FakeServer> {
  const { state, save } = openState(options, () => ({ callbacks: [] as LabCallback[] }));
  return serve(options, (router) => {
    router.get("/_lab/callbacks", (ctx) => {
      ctx.body = { items: state.callbacks };
    });
    router.post("/:path", async (ctx) => {
      const body = await readBytes(ctx);
      const id = ctx.get("webhook-id");
      if (!isSigned(ctx, options.key, body)) throw new Answer(401, { message: "the signature is wrong" });
      if (!state.callbacks.some((one) => one.id === id)) {
        state.callbacks.push({ path: ctx.path, id, body: JSON.parse(body.toString("utf8")) });
        save();
      }
      // As many web frameworks answer a handler that returns a text.
      ctx.type = "html";
      ctx.body = "ok";
    });
  });
}

function isSigned(ctx: Koa.Context, key: string, body: Buffer): boolean {
  const [id, timestamp] = [ctx.get("webhook-id"), ctx.get("webhook-timestamp")];
  if (!/^\d+$/.test(timestamp) || Math.abs(Date.now() / 1_000 - Number(timestamp)) > TOLERANCE_S) return false;
  const secret = Buffer.from(key.replace(/^whsec_/, ""), "base64");
  const expected = createHmac("sha256", secret).update(`${id}.${timestamp}.`).update(body).digest();
  return ctx
    .get("webhook-signature")
    .split(" ")
    .filter((one) => one.startsWith("v1,"))
    .map((one) => Buffer.from(one.slice(3), "base64"))
    .some((one) => one.length === expected.length && timingSafeEqual(one, expected));
}
