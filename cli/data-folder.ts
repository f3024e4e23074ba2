// The data folder of `gantry start`. The first start creates it, with secret tokens and with ports that later starts reuse.

import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { freePorts } from "@gantry/runtime/free-ports.ts";
import { takeLock } from "@gantry/runtime/lock.ts";
import { makePrivateFolder } from "@gantry/runtime/private-files.ts";

export type DataFolder = {
  readonly path: string;
  /** Shared by the processes of the platform plane. */
  readonly platformToken: string;
  readonly runnerTokens: { readonly [site: string]: string };
  readonly ports: Ports;
  /** Lets another `gantry start` have the folder. */
  readonly release: () => void;
};

export type Ports = { readonly portal: number; readonly agent: number; readonly notify: number };

type SavedData = {
  readonly platformToken: string;
  readonly runnerTokens: { readonly [site: string]: string };
  readonly ports: Ports;
};

/**
 * Opens a data folder, with the tokens and ports of earlier starts. `portalPort` overrides the port of the portal and is saved;
 * 0 selects a free port. Throws `store-busy` when another process has the folder, before anything is changed or any port is
 * taken: otherwise one of the folder's ports, all in use, would be blamed.
 */
export async function openDataFolder(
  path: string,
  sites: readonly string[],
  portalPort: number | undefined,
): Promise<DataFolder> {
  const folder = resolve(path);
  makePrivateFolder(folder);
  const file = join(folder, "gantry.json");
  const release = takeLock(file, `The data folder ${folder}`);
  try {
    return { path: folder, ...(await readOrCreate(file, sites, portalPort)), release };
  } catch (error) {
    release();
    throw error;
  }
}

async function readOrCreate(
  file: string,
  sites: readonly string[],
  portalPort: number | undefined,
): Promise<SavedData> {
  const before: Partial<SavedData> = existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as SavedData) : {};
  // Reused by later starts, so that links stay valid.
  const [portal = 0, agent = 0, notify = 0] = await freePorts(3);
  const saved: SavedData = {
    platformToken: before.platformToken ?? secret(),
    runnerTokens: Object.fromEntries(sites.map((site) => [site, before.runnerTokens?.[site] ?? secret()])),
    ports: {
      portal: portalPort === 0 ? portal : (portalPort ?? before.ports?.portal ?? portal),
      agent: before.ports?.agent ?? agent,
      notify: before.ports?.notify ?? notify,
    },
  };
  writeSecret(file, saved);
  return saved;
}

/** Writes JSON that only the owner may read, atomically. */
export function writeSecret(file: string, content: object): void {
  writeFileSync(`${file}.new`, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

function secret(): string {
  return randomBytes(32).toString("base64url");
}
