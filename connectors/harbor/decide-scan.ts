// Decides what to do next about a scan, given the state that Harbor reports. Pure.

import type { Artifact, ScanOverview, Vulnerability } from "./client.ts";

/** From most to least severe, spelled as in Harbor's API. */
export const SEVERITIES = ["Critical", "High", "Medium", "Low", "Negligible", "Unknown"] as const;
const RANKS: readonly string[] = SEVERITIES;
export const THRESHOLDS = ["critical", "high", "medium", "low", "none"] as const;
export type Threshold = (typeof THRESHOLDS)[number];

/** What the step keeps between two calls of one wait. */
export type ScanMemo = {
  readonly sinceMs: number;
  readonly triggered: boolean;
  /** Whether Harbor scans automatically after a push; undefined when that is not known. */
  readonly autoScan?: boolean | undefined;
};

export type ScanDecision =
  | { readonly do: "wait"; readonly reason: string }
  | { readonly do: "trigger"; readonly reason: string }
  /** There will be no scan result. */
  | { readonly do: "give-up"; readonly code: "system-unavailable" | "system-refused"; readonly problem: string }
  | { readonly do: "evaluate"; readonly summaries: readonly Summary[] };

export type Summary = {
  readonly total: number;
  readonly fixable: number;
  readonly counts: Readonly<Record<string, number>>;
};

export type ScanFacts = {
  /** Undefined: Harbor does not know the artifact yet. */
  readonly artifact: Artifact | undefined;
  /** The images of an index; undefined where Harbor does not know one yet. */
  readonly children: readonly (Artifact | undefined)[];
  readonly memo: ScanMemo;
  readonly nowMs: number;
};

/** Harbor registers an artifact within seconds. After this time the image is considered missing. */
const REGISTER_PATIENCE_MS = 60_000;
/** How long a scan that Harbor starts automatically may stay invisible. */
const QUEUE_PATIENCE_MS = 15_000;

export function decideScan({ artifact, children, memo, nowMs }: ScanFacts): ScanDecision {
  const waitedMs = nowMs - memo.sinceMs;
  const images = artifact && artifact.children.length > 0 ? children : [artifact];
  if (images.some((image) => image === undefined)) {
    if (waitedMs < REGISTER_PATIENCE_MS) return { do: "wait", reason: "Harbor has not registered the image yet" };
    return { do: "give-up", code: "system-refused", problem: "Harbor does not know this image. Was it pushed there?" };
  }
  const known = images.filter((image) => image !== undefined).filter((image) => image.scannable);
  if (known.length === 0) {
    return { do: "give-up", code: "system-refused", problem: "It has no scanner for this image, or none is set up." };
  }
  const scans = known.map(({ scan }) => scan);
  // Harbor reports success for an index when one image succeeded; the gate requires a result for every image.
  if (scans.some((scan) => scan?.scan_status === "Error" || scan?.scan_status === "Stopped")) {
    if (!memo.triggered) return { do: "trigger", reason: "The last scan did not succeed; a new one was started" };
    return { do: "give-up", code: "system-unavailable", problem: "The scanner failed. Its log is in Harbor." };
  }
  if (scans.some((scan) => scan === undefined)) {
    if (memo.triggered) return { do: "wait", reason: "The scan is queued in Harbor" };
    if (memo.autoScan === false)
      return { do: "trigger", reason: "The project scans nothing by itself; a scan was started" };
    if (waitedMs >= QUEUE_PATIENCE_MS) return { do: "trigger", reason: "No scan came by itself; one was started" };
    return { do: "wait", reason: "The scan is queued in Harbor" };
  }
  const open = scans.find((scan) => scan?.scan_status !== "Success");
  if (open) return { do: "wait", reason: `The scan is ${open.scan_status.toLowerCase()}` };
  return { do: "evaluate", summaries: scans.map(summaryOf) };
}

export type Verdict = Summary & {
  /** The highest severity found, or `None`. */
  readonly severity: string;
  /** Number of findings at or above the threshold. */
  readonly violations: number;
};

export function countFindings(summaries: readonly Summary[], failOn: Threshold): Verdict {
  const counts: Record<string, number> = {};
  for (const summary of summaries) {
    for (const [name, count] of Object.entries(summary.counts)) counts[name] = (counts[name] ?? 0) + count;
  }
  const severity = SEVERITIES.find((one) => (counts[one] ?? 0) > 0) ?? "None";
  const bad = SEVERITIES.filter((one) => reaches(one, failOn));
  return {
    severity,
    counts,
    total: summaries.reduce((sum, one) => sum + one.total, 0),
    fixable: summaries.reduce((sum, one) => sum + one.fixable, 0),
    violations: bad.reduce((sum, one) => sum + (counts[one] ?? 0), 0),
  };
}

/** Findings at or above the threshold, most severe first, fixable ones before the others. */
export function violating(all: readonly Vulnerability[], failOn: Threshold): readonly Vulnerability[] {
  const rank = ({ severity, fix_version }: Vulnerability): number =>
    RANKS.indexOf(severity ?? "") * 2 + (fix_version ? 0 : 1);
  return all.filter(({ severity }) => reaches(severity ?? "", failOn)).sort((a, b) => rank(a) - rank(b));
}

/** `CVE-2021-44906 minimist 1.2.5 (fixed in 1.2.6)` */
export function lineOf({ id, package: name, version, fix_version }: Vulnerability): string {
  const where = [name, version].filter((part) => part).join(" ");
  return `${id} ${where} (${fix_version ? `fixed in ${fix_version}` : "no fix yet"})`;
}

function reaches(severity: string, failOn: Threshold): boolean {
  const at = RANKS.indexOf(severity);
  const limit = SEVERITIES.findIndex((one) => one.toLowerCase() === failOn);
  return at !== -1 && at <= limit;
}

function summaryOf(scan: ScanOverview | undefined): Summary {
  const { total, fixable, summary } = scan?.summary ?? {};
  return { total: total ?? 0, fixable: fixable ?? 0, counts: summary ?? {} };
}
