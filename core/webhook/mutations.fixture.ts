// Payloads of hosts with arbitrary changes, for tests of what reads them.

import fc from "fast-check";
import type { RawDelivery, WebhookHost } from "./delivery.ts";
import { payloadsOf } from "./payloads.fixture.ts";

/** Changes one place of the JSON: removes it, or puts something else there. */
function mutate(value: unknown, path: readonly number[], into: unknown): unknown {
  const [first, ...rest] = path;
  if (first === undefined || typeof value !== "object" || value === null) return into;
  const entries = Object.entries(value);
  if (entries.length === 0) return into;
  const at = first % entries.length;
  const changed = entries.flatMap(([name, one], index) => {
    if (index !== at) return [[name, one] as const];
    return into === undefined && rest.length === 0 ? [] : [[name, mutate(one, rest, into)] as const];
  });
  return Array.isArray(value) ? changed.map(([, one]) => one) : Object.fromEntries(changed);
}

const values = fc.oneof(
  fc.constantFrom<unknown>(
    undefined,
    null,
    "",
    0,
    -1,
    1e308,
    true,
    [],
    {},
    "__proto__",
    "refs/heads/",
    "refs/heads/../x",
    "0".repeat(40),
    "\ud800",
    "x".repeat(100_000),
  ),
  fc.jsonValue(),
  fc.string({ unit: "binary", maxLength: 300 }),
);

/** A payload of the host with one to four changes, sometimes cut in the middle. */
export function mutatedPayloads(host: WebhookHost): fc.Arbitrary<RawDelivery> {
  const mutations = fc.array(fc.tuple(fc.array(fc.nat(30), { minLength: 1, maxLength: 6 }), values), {
    minLength: 1,
    maxLength: 4,
  });
  return fc
    .tuple(fc.constantFrom(...payloadsOf(host)), mutations, fc.boolean())
    .map(([{ headers, body: original }, all, isCut]) => {
      const body = JSON.stringify(all.reduce<unknown>((one, [path, into]) => mutate(one, path, into), original)) ?? "";
      return { headers, body: isCut ? body.slice(0, body.length / 2) : body };
    });
}
