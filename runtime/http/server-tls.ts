// TLS of a server: certificate and key are files, which are read again when they change. Open connections continue, except when
// the authority of client certificates changes.

import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Server } from "node:https";
import type { SecureContextOptions } from "node:tls";
import { configInvalid } from "@gantry/core/config/read.ts";
import { GantryError } from "@gantry/core/errors.ts";
import { fileProblem } from "@gantry/core/system-error-words.ts";
import { z } from "zod";
import { type Clock, systemClock } from "../clock.ts";
import { every } from "../periodic.ts";
import type { Logger } from "../process/logger.ts";
import { checkTls } from "../process/tls-files.ts";

const file = z.string().min(1);

/** Paths of PEM files. */
export const serverTlsConfig = z.strictObject({
  /** The certificate of this server, followed by those between it and the root. */
  cert: file,
  key: file,
  minVersion: z.enum(["TLSv1.2", "TLSv1.3"]).default("TLSv1.2"),
});

/** As `serverTlsConfig`, for a server that knows its callers by certificates. */
export const mutualTlsConfig = serverTlsConfig.extend({
  /** The authority of client certificates. */
  clientCa: file.optional(),
});
export type ServerTls = z.output<typeof mutualTlsConfig>;

const RELOAD_MS = 10_000;
const SOON_MS = 14 * 86_400_000;

/** The texts of the files, for a secure context. Throws `config-invalid` with one problem per file that cannot be used. */
export function readServerTls({ cert, key, clientCa, minVersion }: ServerTls): SecureContextOptions {
  const read = (name: string, path: string): string => {
    try {
      return readFileSync(path, "utf8");
    } catch (error) {
      throw configInvalid([{ pointer: `/tls/${name}`, detail: `${path} cannot be read: ${fileProblem(error)}` }]);
    }
  };
  const texts = { tlsCert: read("cert", cert), tlsKey: read("key", key) };
  const tlsCa = clientCa === undefined ? undefined : read("clientCa", clientCa);
  checkTls({ ...texts, tlsCa }, "/tls", { tlsCert: "cert", tlsKey: "key", tlsCa: "clientCa" });
  return { cert: texts.tlsCert, key: texts.tlsKey, minVersion, ...(tlsCa === undefined ? {} : { ca: tlsCa }) };
}

type Reloading = { readonly logger: Logger; readonly clock?: Clock; readonly onNewAuthority?: () => void };

/**
 * Checks the files every 10 s and gives new ones to the server. While they cannot be used (e.g. the certificate is
 * written and its key is not yet), the server goes on with the old ones and the log says why. `onNewAuthority`: connections made
 * so far know their callers by an authority that does not count any more. The returned function stops it.
 */
export function reloadServerTls(
  server: Server,
  tls: ServerTls,
  first: SecureContextOptions,
  { logger, clock = systemClock, onNewAuthority }: Reloading,
): () => void {
  let before = first;
  let problem = "";
  sayWhenItEnds(first, logger, clock);
  return every(clock, RELOAD_MS, () => {
    try {
      const now = readServerTls(tls);
      problem = "";
      if (JSON.stringify(now) === JSON.stringify(before)) return;
      server.setSecureContext(now);
      if (now.ca !== before.ca) onNewAuthority?.();
      before = now;
      logger.info({ file: tls.cert }, "the certificate was replaced");
      sayWhenItEnds(now, logger, clock);
    } catch (error) {
      if (!(error instanceof GantryError)) throw error;
      const found = String(error.details.problem);
      if (found !== problem) logger.error({ problem: found }, "the new certificate cannot be used; the old one stays");
      problem = found;
    }
  });
}

function sayWhenItEnds({ cert }: SecureContextOptions, logger: Logger, clock: Clock): void {
  const { validTo } = new X509Certificate(String(cert));
  const leftMs = Date.parse(validTo) - clock.nowMs();
  if (leftMs < SOON_MS) logger.warn({ validTo }, "the certificate ends soon, or has ended");
}
