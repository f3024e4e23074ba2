// The configured issuers. The discovery document of each is read on first use, so an issuer that is down neither prevents
// the portal from starting nor affects the others.

import { readFile } from "node:fs/promises";
import { getCACertificates } from "node:tls";
import { GantryError } from "@gantry/core/errors.ts";
import { fileProblem } from "@gantry/core/system-error-words.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import { createRemoteJWKSet, type JWTVerifyGetKey, customFetch as joseFetch } from "jose";
import * as client from "openid-client";
import { Agent } from "undici";
import type { IssuerSettings } from "../sign-in-config.ts";

export type Issuer = {
  readonly settings: IssuerSettings;
  /** Throws `unavailable` when the issuer does not answer as it should. */
  readonly configuration: () => Promise<client.Configuration>;
  /** As `configuration`, but asks the issuer now. */
  readonly discoverNow: () => Promise<client.Configuration>;
  /** The keys with which the issuer signs. Throws `unavailable`. */
  readonly keys: () => Promise<JWTVerifyGetKey>;
  /** Whether the last attempt to reach it failed. */
  readonly isDown: () => boolean;
};

export type Issuers = {
  readonly all: readonly Issuer[];
  readonly get: (id: string) => Issuer | undefined;
  /** The issuers that are offered at this address of the portal. */
  readonly at: (address: string) => readonly Issuer[];
  readonly ofMail: (mail: string) => Issuer | undefined;
};

/** Endpoints and supported features of an issuer change rarely. */
const DISCOVERY_MS = 60 * 60_000;
/** How long a failed attempt is not repeated. */
const DOWN_MS = 5_000;
const TIMEOUT_S = 5;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

export function openIssuers(
  all: readonly IssuerSettings[],
  deps: { readonly clock: Pick<Clock, "monotonicMs">; readonly logger: Logger },
): Issuers {
  const issuers = all.map((settings) => openIssuer(settings, deps));
  return {
    all: issuers,
    get: (id) => issuers.find(({ settings }) => settings.id === id),
    at: (address) => issuers.filter(({ settings }) => settings.addresses?.includes(address) ?? true),
    ofMail: (mail) => {
      const domain = mail.slice(mail.lastIndexOf("@") + 1).toLowerCase();
      return issuers.find(({ settings }) => settings.domains.includes(domain));
    },
  };
}

type Discovered = {
  readonly configuration: client.Configuration;
  readonly keys: JWTVerifyGetKey;
  readonly atMs: number;
};

function openIssuer(
  settings: IssuerSettings,
  { clock, logger }: { readonly clock: Pick<Clock, "monotonicMs">; readonly logger: Logger },
): Issuer {
  let known: Discovered | undefined;
  let failed: { readonly error: GantryError; readonly atMs: number } | undefined;
  let running: Promise<Discovered> | undefined;

  const attempt = async (): Promise<Discovered> => {
    try {
      known = { ...(await discover(settings)), atMs: clock.monotonicMs() };
      failed = undefined;
      return known;
    } catch (cause) {
      const error = unavailable(settings, cause);
      failed = { error, atMs: clock.monotonicMs() };
      const problem = wordsOf(cause);
      logger.warn(
        { issuer: settings.id, address: settings.issuer, problem, err: cause },
        "the issuer does not answer, or not as `signIn.issuers` says",
      );
      if (known) return known;
      throw error;
    } finally {
      running = undefined;
    }
  };
  const current = async (): Promise<Discovered> => {
    const nowMs = clock.monotonicMs();
    if (known && nowMs - known.atMs < DISCOVERY_MS) return known;
    if (failed && nowMs - failed.atMs < DOWN_MS) {
      if (known) return known;
      throw failed.error;
    }
    running ??= attempt();
    return running;
  };
  return {
    settings,
    configuration: async () => (await current()).configuration,
    discoverNow: async () => {
      try {
        return (await discover(settings)).configuration;
      } catch (cause) {
        throw unavailable(settings, cause);
      }
    },
    keys: async () => (await current()).keys,
    isDown: () => failed !== undefined,
  };
}

async function discover(settings: IssuerSettings): Promise<Omit<Discovered, "atMs">> {
  const secret = settings.clientSecret ?? (await textOf(settings.clientSecretFile))?.trim();
  const doFetch = await fetchOf(settings);
  const isPlain = settings.issuer.startsWith("http:");
  const configuration = await client.discovery(
    new URL(settings.issuer),
    settings.clientId,
    secret === undefined ? {} : { client_secret: secret },
    secret === undefined ? client.None() : client.ClientSecretBasic(secret),
    {
      timeout: TIMEOUT_S,
      // Signatures of ID tokens are verified although they come straight from the issuer: its TLS may end at a proxy.
      execute: [client.enableNonRepudiationChecks, ...(isPlain ? [client.allowInsecureRequests] : [])],
      [client.customFetch]: (url, options) => doFetch(url, options as RequestInit),
    },
  );
  const jwks = configuration.serverMetadata().jwks_uri;
  if (jwks === undefined) throw new Error("its discovery document has no jwks_uri");
  return {
    configuration,
    keys: createRemoteJWKSet(new URL(jwks), { timeoutDuration: TIMEOUT_S * 1_000, [joseFetch]: doFetch }),
  };
}

async function fetchOf({ ca }: IssuerSettings): Promise<typeof fetch> {
  const authorities = await textOf(ca);
  if (authorities === undefined) return fetch;
  const trusted = [...getCACertificates(), ...(authorities.match(CERTIFICATE) ?? [])];
  const dispatcher = new Agent({ connect: { ca: trusted } });
  // `dispatcher` is undici's; the type of the global fetch does not have it.
  return (address, init) => fetch(address, { ...init, dispatcher } as RequestInit);
}

async function textOf(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined;
  return readFile(file, "utf8").catch((error: unknown) => {
    throw new Error(`the file ${file} cannot be read: ${fileProblem(error)}`);
  });
}

/** Converts an error of the libraries, or of the network, to one that people understand. */
export function unavailable({ name }: Pick<IssuerSettings, "name">, cause: unknown): GantryError {
  if (cause instanceof GantryError) return cause;
  return new GantryError("unavailable", { what: `The sign-in of ${name}`, problem: wordsOf(cause) }, { cause });
}

function wordsOf(error: unknown): string {
  if (error instanceof client.ResponseBodyError) {
    // A code is a short word; other text of an answer is not repeated.
    const code = /^[a-z_]{1,50}$/.test(error.error) ? error.error : "an error";
    return code === "invalid_client"
      ? "it does not accept clientId and clientSecret (invalid_client)"
      : `it answered ${code}`;
  }
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return cause instanceof Error && cause.message !== "" ? `${error.message}: ${cause.message}` : error.message;
}
