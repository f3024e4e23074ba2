// Plain HTTP carries tokens that everybody on the way can read. It is allowed on this machine, and beyond it only where a
// configuration says so.

import { isIP } from "node:net";
import { configInvalid } from "@gantry/core/config/read.ts";
import type { Problem } from "@gantry/core/errors.ts";
import type { Logger } from "../process/logger.ts";

export type PlainHttpUse = {
  readonly allowPlainHttp: boolean;
  /** Where the process listens, unless it has certificates there. */
  readonly listens?: { readonly host: string; readonly hasTls: boolean };
  /** JSON pointer of the setting → the address that is called. */
  readonly calls?: { readonly [pointer: string]: string | undefined };
};

/**
 * Throws `config-invalid` with one problem per place where plain HTTP leaves this machine; logs a warning for each when
 * that is allowed.
 */
export function checkPlainHttp({ allowPlainHttp, listens, calls = {} }: PlainHttpUse, logger: Logger): void {
  const problems: Problem[] = [];
  if (listens && !listens.hasTls && !isLoopback(listens.host)) {
    const detail = `${listens.host} is reached from other machines, by plain HTTP. ${remedy("Set `tls`")}`;
    problems.push({ pointer: "/host", detail });
  }
  for (const [pointer, url] of Object.entries(calls)) {
    if (url === undefined || !isPlainBeyondLoopback(url)) continue;
    const detail = `${new URL(url).host} is on another machine, and tokens would be sent there by plain HTTP. ${remedy("Use https")}`;
    problems.push({ pointer, detail });
  }
  if (problems.length === 0) return;
  if (!allowPlainHttp) throw configInvalid(problems);
  for (const { pointer } of problems) logger.warn({ setting: pointer }, "plain HTTP beyond this machine is allowed");
}

function remedy(better: string): string {
  return `${better}, or write allowPlainHttp: true when something else protects this network`;
}

export function isPlainBeyondLoopback(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === "http:" && !isLoopback(hostname);
}

/** Whether a name or address stands for this machine, without asking a name server. */
export function isLoopback(host: string): boolean {
  const name = host.replace(/^\[(.*)\]$/, "$1").toLowerCase();
  if (isIP(name) === 4) return name.startsWith("127.");
  // `::ffff:7f00:1` is 127.0.0.1, but `::ffff:7f1:203` is 7.241.2.3.
  if (isIP(name) === 6) return name === "::1" || /^::ffff:(?:127\.|7f[0-9a-f]{2}:)/.test(name);
  return name === "localhost" || name.endsWith(".localhost");
}
