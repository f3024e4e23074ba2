// The masker of logs: how many bytes of ordinary log text it reads in a second of processor time, and how long a new secret
// takes. There is no secret in the text: nearly all of a log is like that.

import { createHash } from "node:crypto";
import { createMasker, type Masker } from "@gantry/core/mask/masker.ts";
import { type Bench, type Figure, quantile } from "./figure.ts";

const TEXT_BYTES = 16 << 20;
/** As a step's log is read from a pipe. */
const CHUNK_BYTES = 64 << 10;
const ROUNDS = 7;
/** The functions are compiled in the first rounds. */
const WARM_UP = 2;

export const masker: Bench = async () => {
  const text = logText();
  return [
    ...measure("3 tokens", text, TOKENS),
    ...measure("3 tokens and a key of 2 kB in 32 lines", text, [...TOKENS, KEY]),
  ];
};

function measure(name: string, text: Uint8Array, secrets: readonly string[]): Figure[] {
  const began = process.cpuUsage();
  const masker = createMasker();
  for (const secret of secrets) masker.add(secret);
  masker.text("The tables are built for the first text.");
  const built = microseconds(began) / 1_000;
  const rates = Array.from({ length: WARM_UP + ROUNDS }, () => rateOf(masker, text)).slice(WARM_UP);
  const note = `median of ${ROUNDS} rounds of ${TEXT_BYTES >> 20} MiB in pieces of ${CHUNK_BYTES >> 10} KiB, in time of the processor`;
  return [
    { name: `Masked log text, ${name}`, value: quantile(rates, 0.5), unit: "MB/s", target: { atLeast: 100 }, note },
    { name: `Tables of the masker, ${name}`, value: built, unit: "ms" },
  ];
}

/** MB in a second. */
function rateOf(masker: Masker, text: Uint8Array): number {
  const before = process.cpuUsage();
  const stream = masker.stream();
  for (let at = 0; at < text.length; at += CHUNK_BYTES) stream.push(text.subarray(at, at + CHUNK_BYTES));
  stream.end();
  return text.length / microseconds(before);
}

/** Of the processor, since then. */
function microseconds(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return user + system;
}

/** Unlike each other, and the same in every run. */
function letters(name: string, length: number): string {
  return createHash("shake256", { outputLength: length }).update(name).digest("base64").slice(0, length);
}

const TOKENS = [`ghp_${letters("token", 36)}`, `S3cr3t/Pa+ss w${letters("password", 8)}=`, letters("robot", 32)];
const KEY = [
  "-----BEGIN PRIVATE KEY-----",
  ...(letters("key", 1_920).match(/.{64}/g) ?? []),
  "-----END PRIVATE KEY-----\n",
].join("\n");

function logText(): Uint8Array {
  const lines: string[] = [];
  for (let size = 0, n = 0; size < TEXT_BYTES; n += 1) {
    const line = lineOf(n, createHash("sha256").update(String(n)).digest("hex"));
    lines.push(line);
    size += line.length;
  }
  return new TextEncoder().encode(lines.join("")).subarray(0, TEXT_BYTES);
}

/** Lines as builds, containers and services print them. */
function lineOf(n: number, digest: string): string {
  const time = new Date(Date.UTC(2026, 10, 29) + n * 137).toISOString();
  const lines = [
    `${time} [INFO] Downloading https://repo.example/maven2/org/apache/commons/commons-lang3-3.${n % 20}.jar (${n % 900} kB)\n`,
    `${time} INFO  http request handled in ${n % 97} ms, status 200, request ${digest.slice(0, 16)}\n`,
    `sha256:${digest}: Pulling from library/node\n`,
    `    at handle (/srv/app/node_modules/express/lib/router/layer.js:${n % 300}:${n % 40})\n`,
    `{"level":"info","pid":${n % 9_999},"msg":"the database migration was skipped","id":"${digest.slice(0, 12)}"}\n`,
    `ok ${n} - a connection is opened again after the timeout (${n % 90}.${n % 1_000} ms)\n`,
    `Step ${n % 20}/20 : RUN apt-get install -y --no-install-recommends ca-certificates curl git\n`,
    `\tmodified:   src/main/java/com/example/orders/Orders${n % 50}Controller.java\n`,
    "\n",
  ];
  return lines[n % lines.length] ?? "";
}
