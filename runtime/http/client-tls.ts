// The `fetch` for a server whose certificate is signed by a private authority, or that asks for a client certificate.

import { readFileSync } from "node:fs";
import { getCACertificates } from "node:tls";
import { configInvalid } from "@gantry/core/config/read.ts";
import { fileProblem } from "@gantry/core/system-error-words.ts";
import { z } from "zod";
import { checkTls } from "../process/tls-files.ts";

const file = z.string().min(1);

/** Paths of PEM files. */
export const clientTlsConfig = {
  /** The authority of the server's certificate, in addition to those that Node knows. */
  ca: file.optional(),
  /** The certificate with which this process answers when it is asked for one, and its key. */
  cert: file.optional(),
  key: file.optional(),
};

export type ClientTls = {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
};

/** Node reads only the first certificate of a text, so each one has to be given separately. */
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * Node's own `fetch` when no file is given. The files are read for every new connection, so that they can be renewed.
 * Rejects with `config-invalid` when they cannot be used now; `pointer` is the JSON pointer of the object that names them.
 */
export async function fetchWithTls(tls: ClientTls, pointer: string): Promise<typeof fetch> {
  if (tls.ca === undefined && tls.cert === undefined && tls.key === undefined) return fetch;
  readClientTls(tls, pointer);
  // Loaded only when it is used.
  const { Agent, buildConnector } = await import("undici");
  const dispatcher = new Agent({
    connect: (options, callback) => {
      try {
        buildConnector({ ...readClientTls(tls, pointer) })(options, callback);
      } catch (error) {
        callback(error as Error, null);
      }
    },
  });
  return (address, init) => fetch(address, { ...init, dispatcher } as RequestInit);
}

type Texts = { readonly ca?: string[]; readonly cert?: string; readonly key?: string };

function readClientTls({ ca, cert, key }: ClientTls, pointer: string): Texts {
  const read = (name: string, path: string | undefined): string | undefined => {
    try {
      return path === undefined ? undefined : readFileSync(path, "utf8");
    } catch (error) {
      throw configInvalid([{ pointer: `${pointer}/${name}`, detail: `${path} cannot be read: ${fileProblem(error)}` }]);
    }
  };
  const texts = { tlsCa: read("ca", ca), tlsCert: read("cert", cert), tlsKey: read("key", key) };
  checkTls(texts, pointer, { tlsCa: "ca", tlsCert: "cert", tlsKey: "key" });
  const { tlsCa, tlsCert, tlsKey } = texts;
  return {
    ...(tlsCa === undefined ? {} : { ca: [...getCACertificates(), ...(tlsCa.match(CERTIFICATE) ?? [])] }),
    ...(tlsCert === undefined ? {} : { cert: tlsCert }),
    ...(tlsKey === undefined ? {} : { key: tlsKey }),
  };
}
