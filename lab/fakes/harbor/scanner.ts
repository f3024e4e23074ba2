// The scanner of the fake Harbor. What it finds depends on the image's content only, so that whoever builds an image
// decides what the scan says:
// - a `package.json` in a layer that asks for a release with a known hole (see KNOWN);
// - a label `lab.vulnerability=critical,high` in the image's config;
// - a label `lab.scan=error` (the scanner fails every time) or `lab.scan=error-once`.

import type { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import tar from "tar-stream";
import type { RegistryStore } from "../registry/store.ts";

export type Finding = {
  readonly id: string;
  readonly package: string;
  readonly version: string;
  readonly fix_version: string;
  readonly severity: string;
  readonly description: string;
  readonly links: readonly string[];
};

export type Content = {
  readonly findings: readonly Finding[];
  readonly scanner: "works" | "fails" | "fails-once";
};

export const SEVERITIES = ["Critical", "High", "Medium", "Low", "Negligible", "Unknown"] as const;

const KNOWN: readonly { name: string; versions: RegExp; id: string; severity: string; fix: string; text: string }[] = [
  {
    name: "minimist",
    versions: /^(0\.|1\.2\.[0-5]$|1\.[01]\.)/,
    id: "CVE-2021-44906",
    severity: "Critical",
    fix: "1.2.6",
    text: "Prototype pollution through command line arguments.",
  },
  {
    name: "vm2",
    versions: /^3\.(?:[0-8]\.|9\.(?:[0-9]|1[0-6])$)/,
    id: "CVE-2023-30547",
    severity: "Critical",
    fix: "3.9.17",
    text: "An exception lets code out of the sandbox.",
  },
  {
    name: "lodash",
    versions: /^(?:[0-3]\.|4\.(?:\d\.|1[0-6]\.|17\.(?:\d|1\d|20)$))/,
    id: "CVE-2021-23337",
    severity: "High",
    fix: "4.17.21",
    text: "Command injection through a template.",
  },
  {
    name: "semver",
    versions: /^7\.[0-4]\./,
    id: "CVE-2022-25883",
    severity: "Medium",
    fix: "7.5.2",
    text: "A crafted version range takes very long to read.",
  },
];

type Manifest = {
  readonly config: { readonly digest: string };
  readonly layers: readonly { readonly digest: string }[];
};
type Config = { readonly config?: { readonly Labels?: Readonly<Record<string, string>> } };

/** Looks into every layer of an image manifest. */
export async function inspect(store: RegistryStore, manifestBytes: Buffer): Promise<Content> {
  const manifest = JSON.parse(manifestBytes.toString("utf8")) as Manifest;
  const config = JSON.parse(store.readBlob(manifest.config.digest).toString("utf8")) as Config;
  const labels = config.config?.Labels ?? {};
  const byLabel = (labels["lab.vulnerability"] ?? "").split(",").flatMap((word, index) => labelFinding(word, index));
  const byPackage: Finding[] = [];
  try {
    for (const layer of manifest.layers) {
      for await (const text of packageFiles(store.streamBlob(layer.digest))) byPackage.push(...packageFindings(text));
    }
  } catch {
    // A scanner cannot read every format of layers; such a scan ends as an error.
    return { findings: [], scanner: "fails" };
  }
  const scan = labels["lab.scan"];
  const scanner = scan === "error" ? "fails" : scan === "error-once" ? "fails-once" : "works";
  return { findings: [...byPackage, ...byLabel], scanner };
}

export function countBySeverity(findings: readonly Finding[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { severity } of findings) counts[severity] = (counts[severity] ?? 0) + 1;
  return counts;
}

export function worst(findings: readonly Finding[]): string {
  return SEVERITIES.find((severity) => findings.some((one) => one.severity === severity)) ?? "None";
}

async function* packageFiles(layer: Readable): AsyncGenerator<string> {
  const entries = tar.extract();
  const unpacked = createGunzip();
  layer.on("error", (error) => entries.destroy(error));
  unpacked.on("error", (error) => entries.destroy(error));
  layer.pipe(unpacked).pipe(entries);
  for await (const entry of entries) {
    if (!/(^|\/)package\.json$/.test(entry.header.name)) {
      entry.resume();
      continue;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    yield Buffer.concat(chunks).toString("utf8");
  }
}

function packageFindings(text: string): Finding[] {
  let parsed: { dependencies?: Record<string, string> };
  try {
    parsed = JSON.parse(text) as typeof parsed;
  } catch {
    return [];
  }
  return Object.entries(parsed.dependencies ?? {}).flatMap(([name, range]) => {
    const version = range.replace(/^[\^~=v]+/, "");
    return KNOWN.filter((hole) => hole.name === name && hole.versions.test(version)).map((hole) => ({
      id: hole.id,
      package: name,
      version,
      fix_version: hole.fix,
      severity: hole.severity,
      description: hole.text,
      links: [`https://nvd.nist.gov/vuln/detail/${hole.id}`],
    }));
  });
}

function labelFinding(word: string, index: number): Finding[] {
  const severity = SEVERITIES.find((one) => one.toLowerCase() === word.trim().toLowerCase());
  if (severity === undefined) return [];
  return [
    {
      id: `LAB-0000-${String(index + 1).padStart(4, "0")}`,
      package: "lab-package",
      version: "1.0.0",
      fix_version: severity === "Critical" ? "1.0.1" : "",
      severity,
      description: "Asked for by a label of the image.",
      links: [],
    },
  ];
}
