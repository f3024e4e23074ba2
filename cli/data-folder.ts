// The data folder of an all-in-one: made on first start, with tokens that only this machine knows and ports that stay.

import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { freePorts } from "@gantry/runtime/free-ports.ts";

export type DataFolder = {
  readonly path: string;
  /** Shared by the processes of the platform plane. */
  readonly platformToken: string;
  readonly runnerTokens: { readonly [site: string]: string };
  readonly ports: Ports;
};

export type Ports = { readonly portal: number; readonly agent: number; readonly notify: number };

type Kept = {
  readonly platformToken: string;
  readonly runnerTokens: { readonly [site: string]: string };
  readonly ports: Ports;
};

/** The same folder gives the same tokens and ports again. A port of the portal given by the user wins and is kept. */
export async function openDataFolder(
  path: string,
  sites: readonly string[],
  portalPort: number | undefined,
): Promise<DataFolder> {
  const folder = resolve(path);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, "gantry.json");
  const before: Partial<Kept> = existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Kept) : {};
  // Kept, so that links stay valid after a restart.
  const [portal = 0, agent = 0, notify = 0] = await freePorts(3);
  const kept: Kept = {
    platformToken: before.platformToken ?? secret(),
    runnerTokens: Object.fromEntries(sites.map((site) => [site, before.runnerTokens?.[site] ?? secret()])),
    ports: {
      portal: portalPort ?? before.ports?.portal ?? portal,
      agent: before.ports?.agent ?? agent,
      notify: before.ports?.notify ?? notify,
    },
  };
  writeSecret(file, kept);
  return { path: folder, ...kept };
}

/** Writes JSON that only the owner may read; whole or not at all. */
export function writeSecret(file: string, content: object): void {
  writeFileSync(`${file}.new`, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

function secret(): string {
  return randomBytes(32).toString("base64url");
}
