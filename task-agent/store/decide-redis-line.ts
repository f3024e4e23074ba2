// Whether the connection to a Redis is safe enough. Anyone who can change the journal can start any task. Pure.

import type { Problem } from "@gantry/core/errors.ts";
import { isLoopback } from "@gantry/runtime/http/plain-http.ts";
import type { JournalConfig } from "./journal-config.ts";

/** What others on the network could do; empty if the connection stays on this machine. */
export function decideRedisLine(config: JournalConfig): readonly Problem[] {
  const { address, sentinels = [], cluster = [], password, tls } = config;
  const all = [...(address === undefined ? [] : [address]), ...sentinels, ...cluster];
  const remote = all.find((one) => !isLoopback(one.slice(0, one.lastIndexOf(":"))));
  if (remote === undefined) return [];
  const otherwise = "or write allowInsecure: true when something else protects this network";
  return [
    ...(password === undefined
      ? [
          {
            pointer: "/journal/password",
            detail: `it is missing, so anyone who can reach ${remote} can change tasks. Set it, ${otherwise}`,
          },
        ]
      : []),
    ...(tls
      ? []
      : [
          {
            pointer: "/journal/tls",
            detail: `it is off, so anyone on the path to ${remote} can read the password and change tasks. Set it to true, ${otherwise}`,
          },
        ]),
  ];
}
