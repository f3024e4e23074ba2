// Which addresses may be called when people choose them: the registry of a FROM line, where a git host says that a file is.
// A name is resolved once, what it resolves to is checked, and exactly that is dialled: a name cannot lead elsewhere in
// between. Systems that a configuration names do not go through the guard.

import { type LookupAddress, lookup as resolveName } from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import { GantryError } from "@gantry/core/errors.ts";
import { type AddressKind, addressKind, blockListOf, isListed } from "./address-kind.ts";

export type OutboundGuard = {
  /** Resolves a host as it stands in a URL (an IPv6 address may be in brackets). Throws `address-refused`. */
  readonly check: (host: string) => Promise<void>;
  /** The same for a host that is an IP address; names are left to `lookup`. */
  readonly checkLiteral: (host: string) => void;
  /** For `net.connect`: fails with `address-refused` when one of the addresses of a name may not be called. */
  readonly lookup: LookupFunction;
};

/** `resolve`: the addresses of a name. */
export type Resolve = (host: string, done: (error: Error | null, addresses: readonly LookupAddress[]) => void) => void;

const MAY_BE_CALLED: readonly AddressKind[] = ["public", "private"];

/** Names under which clouds answer credentials; they may resolve to anything. */
const METADATA_NAMES = ["metadata", "metadata.goog", "metadata.google.internal", "instance-data"];

/**
 * `allow`: ranges (`127.0.0.0/8`), addresses and names of hosts that may be called although they are on the machine itself or
 * link-local. Addresses for metadata of clouds are always refused.
 */
export function openOutboundGuard(allow: readonly string[], resolve: Resolve = resolveAll): OutboundGuard {
  const isRange = (one: string): boolean => isIP(one.split("/")[0] ?? "") !== 0;
  const ranges = blockListOf(allow.filter(isRange));
  const names = new Set(allow.filter((one) => !isRange(one)).map(plainName));

  const problemOf = (host: string, address: string): GantryError | undefined => {
    const kind = addressKind(address);
    if (kind === "metadata") return refusal(host, kind);
    const isAllowed = MAY_BE_CALLED.includes(kind) || names.has(host) || isListed(ranges, address);
    return isAllowed ? undefined : refusal(host, kind);
  };
  const checkLiteral = (host: string): void => {
    const plain = plainName(host);
    const problem = isIP(plain) !== 0 ? problemOf(plain, plain) : nameProblem(plain);
    if (problem) throw problem;
  };
  const resolveChecked: Resolve = (host, done) => {
    const plain = plainName(host);
    const wrong = nameProblem(plain);
    if (wrong) return done(wrong, []);
    resolve(host, (error, addresses) => {
      if (error) return done(error, []);
      const problem = addresses.map(({ address }) => problemOf(plain, address)).find((one) => one !== undefined);
      done(problem ?? null, problem ? [] : addresses);
    });
  };
  return {
    checkLiteral,
    check: async (host) => {
      checkLiteral(host);
      if (isIP(plainName(host)) !== 0) return;
      await new Promise<void>((done, fail) =>
        resolveChecked(plainName(host), (error) => {
          // A name that cannot be resolved cannot be called either.
          if (error instanceof GantryError) fail(error);
          else done();
        }),
      );
    },
    lookup: (host, { all, family }, done) =>
      resolveChecked(host, (error, addresses) => {
        const usable = addresses.filter((one) => !family || `IPv${one.family}` === family || one.family === family);
        const [first] = usable;
        if (error || !first) done(error ?? new Error(`${host} has no address`), "", 0);
        else if (all) done(null, [...usable]);
        else done(null, first.address, first.family);
      }),
  };
}

function resolveAll(host: string, done: Parameters<Resolve>[1]): void {
  resolveName(host, { all: true }, done);
}

function plainName(host: string): string {
  return host
    .replace(/^\[(.*)\]$/, "$1")
    .replace(/\.$/, "")
    .toLowerCase();
}

function nameProblem(name: string): GantryError | undefined {
  return METADATA_NAMES.includes(name) ? refusal(name, "metadata") : undefined;
}

const WORDS: { readonly [K in AddressKind]: string } = {
  public: "a public address",
  private: "an address of a private network",
  loopback: "an address of the machine itself",
  "link-local": "an address that is valid on one network link only",
  metadata: "where a cloud answers credentials of its machines",
  reserved: "an address of a reserved range",
};

function refusal(host: string, kind: AddressKind): GantryError {
  return new GantryError("address-refused", { address: host, what: WORDS[kind] });
}
