// The Host header, and DNS rebinding: a page of another site whose name suddenly leads to this process. Its requests come from
// the browser of somebody who may reach this process, and name the other site in their Host.

import { isIP } from "node:net";
import { GantryError } from "@gantry/core/errors.ts";
import type Koa from "koa";
import { isLoopback } from "./plain-http.ts";

const HOST = /^(?<name>[\w.-]+|\[[0-9a-f:.]+\])(?::(?<port>\d{1,5}))?$/i;

/** The name or address in a Host header, in lower case and without brackets; undefined when it is none. */
export function hostNameIn(host: string): string | undefined {
  const { name, port = "0" } = HOST.exec(host.toLowerCase())?.groups ?? {};
  if (Number(port) > 65_535) return undefined;
  if (!name?.startsWith("[")) return name;
  const address = name.slice(1, -1);
  return isIP(address) === 6 ? address : undefined;
}

/** Whether a page of another site can have this host: nobody else owns a loopback name, and an address leads only to itself. */
export function mayBeRebound(name: string): boolean {
  return isIP(name) === 0 && !isLoopback(name);
}

/** Throws `host-unknown` when a page of another site may have sent the request. `setting`: what to set for other names. */
export function refuseRebound(ctx: Koa.Context, knownNames: readonly string[], setting: string): void {
  const host = ctx.get("host");
  const name = hostNameIn(host) ?? "";
  if (mayBeRebound(name) && !knownNames.includes(name)) throw new GantryError("host-unknown", { host, setting });
}
