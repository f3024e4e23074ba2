// POST /v1/platform-checks: tests what the platform itself uses, each from the process that uses it.

import { GantryError } from "@gantry/core/errors.ts";
import type { NotifyClient } from "@gantry/wire/notify/notify-client.ts";
import { z } from "zod";
import { onInstallation } from "../access/guards/guards.ts";
import { sendJson } from "../http/respond.ts";
import { route } from "../http/route.ts";
import { json } from "../http/schemas.ts";
import { checkIssuer, type PlatformFinding } from "../oidc/check-issuer.ts";

const finding = z.object({
  may: z.string(),
  verdict: z.enum(["yes", "no", "unknown"]),
  says: z.string(),
  todo: z.string().optional(),
});

const platformChecks = z
  .object({
    items: z.array(
      z.object({
        process: z.enum(["notify-agent", "portal-api"]),
        name: z.string(),
        kind: z.string().describe("mail, messenger, sso …"),
        findings: z.array(finding),
      }),
    ),
  })
  .meta({ id: "PlatformChecks" });
type Checked = z.infer<typeof platformChecks>["items"][number];

export const checkPlatform = route({
  method: "POST",
  path: "/v1/platform-checks",
  id: "checkPlatform",
  tag: "sites",
  summary: "Test the channels for notifications and the issuers of sign-in",
  description:
    "The notify-agent tests its channels, the portal its issuers. Systems of sites are tested by the pipeline check-systems.",
  right: onInstallation("manage-settings"),
  verb: "test channels and issuers",
  body: z.strictObject({
    send: z.boolean().default(false).describe("Send a test message on each channel, which people receive"),
  }),
  responses: { 200: json("What was found", platformChecks) },
  handle: async ({ ctx, portal: { notify, sso, publicUrl }, body: { send } }) => {
    const channels = notify ? await checkChannels(notify, send) : [];
    const issuers = sso.issuers.all.map(async (issuer): Promise<Checked> => {
      const { id, addresses = [publicUrl()] } = issuer.settings;
      const findings = [...(await checkIssuer(issuer, addresses[0] ?? publicUrl()))];
      return { process: "portal-api", name: id, kind: "sso", findings };
    });
    sendJson(ctx, { items: [...channels, ...(await Promise.all(issuers))] });
  },
});

async function checkChannels(notify: NotifyClient, send: boolean): Promise<readonly Checked[]> {
  const process = "notify-agent";
  try {
    const { items } = await notify.channels();
    const checked = items.map(async ({ name, kind }): Promise<Checked> => {
      const findings = [await (send ? sendOn(notify, name) : checkOn(notify, name))];
      return { process, name, kind, findings };
    });
    return await Promise.all(checked);
  } catch (error) {
    if (!(error instanceof GantryError) || error.code !== "unavailable") throw error;
    const todo = "Check that the notify-agent runs, and `notify` in the configuration of the portal.";
    return [
      {
        process,
        name: "notify-agent",
        kind: "process",
        findings: [{ may: "answers", verdict: "no", says: error.message, todo }],
      },
    ];
  }
}

const CHANNEL_TODO =
  "Correct the channel in the configuration of the notify-agent, and restart it. docs/notifications.md";

async function checkOn(notify: NotifyClient, name: string): Promise<PlatformFinding> {
  const found = await notify.checkChannel(name);
  const todo =
    found.verdict === "yes"
      ? {}
      : { todo: found.verdict === "no" ? CHANNEL_TODO : "`gantry doctor --send` sends a message on every channel." };
  return { may: "accepts messages", ...found, ...todo };
}

async function sendOn(notify: NotifyClient, name: string): Promise<PlatformFinding> {
  const { kind, problem = kind } = await notify.testChannel(name);
  if (kind === "delivered") return { may: "accepts messages", verdict: "yes", says: "a test message was sent" };
  return { may: "accepts messages", verdict: "no", says: problem, todo: CHANNEL_TODO };
}
