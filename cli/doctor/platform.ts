// What the platform itself uses: channels for notifications and issuers of sign-in, tested by the processes that use them.

import { GantryError } from "@gantry/core/errors.ts";
import { z } from "zod";
import type { PortalClient } from "../client.ts";
import { findingsInWords } from "./report.ts";

const finding = z.object({
  may: z.string(),
  verdict: z.enum(["yes", "no", "unknown"]),
  says: z.string(),
  todo: z.string().optional(),
});
const answer = z.object({
  items: z.array(z.object({ process: z.string(), name: z.string(), kind: z.string(), findings: z.array(finding) })),
});
export type PlatformReport = z.infer<typeof answer>["items"][number];

/** `send`: with a message on every channel. Nothing where the caller may not test them, or the portal is older. */
export async function checkPlatform(portal: PortalClient, send: boolean): Promise<readonly PlatformReport[]> {
  try {
    return (await portal.post("/v1/platform-checks", { send }, answer)).items;
  } catch (error) {
    if (error instanceof GantryError && ["forbidden", "not-found"].includes(error.code)) return [];
    throw error;
  }
}

export function countMissingOf(reports: readonly PlatformReport[]): number {
  return reports.flatMap(({ findings }) => findings).filter(({ verdict }) => verdict === "no").length;
}

export function platformInWords(reports: readonly PlatformReport[]): string {
  return [...new Set(reports.map(({ process }) => process))]
    .map((process) => {
      const own = reports.filter((one) => one.process === process);
      const all = own.map(({ name, kind, findings }) => `  ${name} (${kind})\n${findingsInWords(findings)}`);
      return `\nplatform, tested from the ${process}\n${all.join("")}`;
    })
    .join("");
}
