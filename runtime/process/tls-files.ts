// Validates configured certificates and keys before any connection is made: a connection would only report that it failed.

import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
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
  if (problems.length > 0) throw configInvalid(problems);
}

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
