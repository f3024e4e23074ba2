// Validates configured certificates and keys before any connection is made: a connection would only report that it failed.

import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import { configInvalid } from "@gantry/core/config/read.ts";
import type { Problem } from "@gantry/core/errors.ts";

/** PEM texts. */
export type TlsTexts = {
  readonly tlsCa?: string | undefined;
  readonly tlsCert?: string | undefined;
  readonly tlsKey?: string | undefined;
};

type Names = { readonly tlsCa: string; readonly tlsCert: string; readonly tlsKey: string };
const NAMES: Names = { tlsCa: "tlsCa", tlsCert: "tlsCert", tlsKey: "tlsKey" };

/**
 * Throws `config-invalid` with one problem per invalid text; `pointer` is the JSON pointer of the object that holds them, and
 * `names` are their names in it.
 */
export function checkTls({ tlsCa, tlsCert, tlsKey }: TlsTexts, pointer: string, names: Names = NAMES): void {
  const problems: Problem[] = [];
  const report = (name: keyof Names, detail: string): void =>
    void problems.push({ pointer: `${pointer}/${names[name]}`, detail });
  readCertificates(tlsCa, (detail) => report("tlsCa", detail));
  const own = readCertificates(tlsCert, (detail) => report("tlsCert", detail));
  const key = readKey(tlsKey, (detail) => report("tlsKey", detail));
  if (tlsCert !== undefined && tlsKey === undefined) report("tlsCert", `it needs ${names.tlsKey} beside it`);
  if (tlsKey !== undefined && tlsCert === undefined) report("tlsKey", `it needs ${names.tlsCert} beside it`);
  if (own && key && !own.checkPrivateKey(key)) report("tlsKey", `it is not the key of ${names.tlsCert}`);
  if (problems.length === 0) tryOut({ tlsCa, tlsCert, tlsKey }, report);
  if (problems.length > 0) throw configInvalid(problems);
}

/** TLS has rules of its own, e.g. about the length of a key. */
function tryOut({ tlsCa, tlsCert, tlsKey }: TlsTexts, report: (name: keyof Names, detail: string) => void): void {
  try {
    createSecureContext({ ca: tlsCa, cert: tlsCert, key: tlsKey });
  } catch (error) {
    // `error:0A00018F:SSL routines::ee key too small`
    const reason = error instanceof Error ? error.message.split(":").at(-1) : String(error);
    report(tlsCert === undefined ? "tlsCa" : "tlsCert", `TLS cannot use it: ${reason}`);
  }
}

const BEGIN = /-----BEGIN CERTIFICATE-----/g;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/** The first certificate of the text. */
function readCertificates(text: string | undefined, report: (detail: string) => void): X509Certificate | undefined {
  if (text === undefined) return undefined;
  const found = text.match(CERTIFICATE);
  if (!found) {
    report(
      "it does not contain a certificate; it must be the PEM text itself, or a variable with _FILE that names the file",
    );
    return undefined;
  }
  // A file that is being written, or that was cut.
  if (found.length !== text.match(BEGIN)?.length) {
    report("a certificate in it is not complete");
    return undefined;
  }
  try {
    return found.map((pem) => new X509Certificate(pem))[0];
  } catch {
    report("a certificate in it is damaged");
    return undefined;
  }
}

function readKey(text: string | undefined, report: (detail: string) => void): KeyObject | undefined {
  if (text === undefined) return undefined;
  try {
    return createPrivateKey(text);
  } catch {
    report("it is not a private key in PEM, or the key is encrypted");
    return undefined;
  }
}
