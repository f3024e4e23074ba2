// `gantry whoami`: who the portal takes the caller for.

import { z } from "zod";
import type { PortalClient } from "../client.ts";
import type { Call, Outcome } from "../table/command.ts";

const me = z.object({ name: z.string(), role: z.string(), version: z.string() });

export async function whoami({ portal }: Call): Promise<Outcome> {
  const client = portal();
  const { name, role, version } = await readMe(client);
  const value = { name, role, portal: client.url, version };
  return { value, text: `${name} (role ${role}) at ${client.url}, Gantry ${version}\n` };
}

export function readMe(portal: PortalClient): Promise<z.infer<typeof me>> {
  return portal.get("/v1/me", me);
}
