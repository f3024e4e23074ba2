// The routes of `/notify/v1`: what portal-api and operators ask of the notify-agent. JSON over HTTP, bearer token.

import { route } from "@gantry/runtime/http/route.ts";
import { z } from "zod";
import { page } from "../agent/views.ts";
import { callbackView, channelView, deliveryView, inboxItem } from "./views.ts";

export const NOTIFY_PREFIX = "/notify/v1";

const limit = z.coerce.number().pipe(z.int().min(1).max(500)).default(50);
const pageQuery = z.strictObject({ limit, cursor: z.string().max(2_000).optional() });

export const checkResult = z.object({ verdict: z.enum(["yes", "no", "unknown"]), says: z.string() });

export const NOTIFY_ROUTES = {
  /**
   * Newest first, in pages. With `after` what came after that item, oldest first; with `wait` (milliseconds) it holds while
   * there is nothing.
   */
  inbox: route({
    method: "GET",
    path: "/inbox",
    query: pageQuery
      .extend({
        after: z
          .string()
          .regex(/^\d{0,16}$/, "must be the id of an item")
          .optional(),
        wait: z.coerce.number().pipe(z.int().min(0).max(30_000)).default(0),
      })
      .refine(({ after, cursor, wait }) => (after === undefined ? wait === 0 : cursor === undefined), {
        error: "after and cursor exclude each other, and wait needs after",
      }),
    answer: page(inboxItem),
  }),
  /** Newest first. */
  deliveries: route({ method: "GET", path: "/deliveries", query: pageQuery, answer: page(deliveryView) }),
  /** The addresses that a task wanted to be told of its end, and what happened, oldest first. */
  callbacks: route({ method: "GET", path: "/tasks/{task}/callbacks", answer: page(callbackView) }),
  /** The channels of the configuration, by name. */
  channels: route({ method: "GET", path: "/channels", answer: page(channelView) }),
  /** Finds out, without a message, whether a channel would accept one. */
  checkChannel: route({
    method: "POST",
    path: "/channels/{name}/check",
    answer: checkResult,
    errors: ["not-found"],
  }),
  /** Sends a test message at once. */
  testChannel: route({
    method: "POST",
    path: "/channels/{name}/test",
    answer: z.looseObject({ kind: z.string(), problem: z.string().optional() }),
    errors: ["not-found"],
  }),
};
