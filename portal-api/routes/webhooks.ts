// POST /v1/webhooks/definitions: a git host says that somebody has pushed.

import { z } from "zod";
import { noteOn, noteTask } from "../audit/note.ts";
import { clientAddress } from "../http/address.ts";
import { sendUncached } from "../http/respond.ts";
import { route } from "../http/route.ts";
import { json } from "../http/schemas.ts";

/** A push of a few hundred commits. */
const MAX_BYTES = 1_048_576;
/** Who has asked for the task. No account has this name. */
const PRINCIPAL = "webhook:definitions";

const received = z
  .object({ state: z.enum(["requested", "known"]).describe("known: this delivery was received before") })
  .meta({ id: "WebhookReceived" });

export const definitionsWebhook = route({
  method: "POST",
  path: "/v1/webhooks/definitions",
  id: "receiveDefinitionsWebhook",
  tag: "pipelines",
  summary: "A git host says that somebody has pushed definitions",
  description:
    "For webhooks of git hosts, signed with the secret of the configuration. The body is not read: the repository of the configuration is read again, as by schedule.",
  right: "anyone",
  verb: "sync definitions",
  isCalledFromOutside: true,
  rawBytes: MAX_BYTES,
  responses: { 202: json("The repository will be read, or this delivery was received before", received) },
  errors: ["unauthenticated", "limit-reached", "not-found", "conflict"],
  handle: async ({ ctx, portal, readRaw }) => {
    const header = (name: string): string => ctx.get(name);
    const sent = { header, address: clientAddress(portal, ctx), readBody: readRaw };
    const isNew = await portal.webhooks.accept(sent, async () => {
      noteOn(ctx, { webhook: "definitions" });
      noteTask(ctx, await portal.agent.syncDefinitions(PRINCIPAL));
    });
    ctx.status = 202;
    sendUncached(ctx, { state: isNew ? "requested" : "known" });
  },
});
