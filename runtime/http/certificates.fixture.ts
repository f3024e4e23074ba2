// Certificates for tests, made by openssl: an authority, and certificates for 127.0.0.1 that it signs.

import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

const KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/** Writes `ca.crt` and for each name `<name>.crt` and `<name>.key` into the folder. */
export function makeCertificates(folder: string, names: readonly string[]): void {
  const openssl = (...argv: string[]): void => void execFileSync("openssl", argv, { cwd: folder, stdio: "pipe" });
  writeFileSync(join(folder, "names"), "subjectAltName=IP:127.0.0.1\n");
  openssl("req", "-x509", ...KEY, "-keyout", "ca.key", "-out", "ca.crt", "-days", "30", "-subj", "/CN=an authority");
  const signed = ["-CA", "ca.crt", "-CAkey", "ca.key", "-days", "30", "-extfile", "names"];
  for (const name of names) {
    openssl("req", ...KEY, "-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", `/CN=${name}`);
    openssl("x509", "-req", "-in", `${name}.csr`, ...signed, "-out", `${name}.crt`);
  }
}

/** Writes `<name>.crt` and `<name>.key`, whose key is too short for TLS. */
export function makeWeakCertificate(folder: string, name: string): void {
  const files = ["-keyout", `${name}.key`, "-out", `${name}.crt`];
  const weak = ["req", "-x509", "-newkey", "rsa:1024", "-nodes", "-days", "30", "-subj", `/CN=${name}`, ...files];
  execFileSync("openssl", weak, { cwd: folder, stdio: "pipe" });
}
