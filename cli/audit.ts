// `gantry audit`: lists, verifies and exports the audit log.

import { type AuditFacts, auditEntry } from "@gantry/wire/audit/entry.ts";
import { openVerifier, type Trimmed } from "@gantry/wire/audit/verify.ts";
import { z } from "zod";
import { type AuditSource, auditOfFile, auditOfFolder, auditOfPortal } from "./audit-source.ts";
import { numberOf } from "./line/parse-line.ts";
import { firstItems } from "./portal/pages.ts";
import { type Call, type Outcome, UsageError } from "./table/command.ts";

const entryView = auditEntry.extend({ result: z.string() });

type Filters = {
  readonly [name in "who" | "verb" | "app" | "task" | "result" | "since" | "until" | "limit"]: string | undefined;
};

export async function listAudit({ portal, flags }: Call<Filters>): Promise<Outcome> {
  const { limit = "50", ...filters } = flags;
  const items = await firstItems(portal(), "/v1/audit", entryView, numberOf("limit", limit, 1, 999_999), filters);
  return { value: items, text: items.length === 0 ? "No entry matches.\n" : items.map(lineOf).join("") };
}

function lineOf(entry: z.infer<typeof entryView>): string {
  const { at, who, from, verb = entry.kind, on = {}, result, code, count } = entry;
  const what = Object.entries(on)
    .map(([name, value]) => `${name}=${value}`)
    .join(" ");
  const outcome = `${result}${code === undefined ? "" : ` (${code})`}${count === undefined || count === 1 ? "" : ` × ${count}`}`;
  const parts = [at, who?.name ?? from?.ip ?? "gantry", verb, what, `${outcome}${placeOf(from)}`];
  return `${parts.filter((part) => part !== "").join("  ")}\n`;
}

function placeOf(from: AuditFacts["from"]): string {
  return from === undefined ? "" : `  from ${from.ip} by ${from.client}`;
}

type Sources = { readonly file?: string | undefined; readonly folder: string | undefined };

export async function verifyAudit({
  portal,
  flags: { expect, ...from },
}: Call<Sources & { readonly expect: string | undefined }>): Promise<Outcome> {
  if (from.file !== undefined && from.folder !== undefined)
    throw new UsageError("--file and --folder exclude each other");
  const source = sourceOf(from, portal);
  const verifier = openVerifier(expect);
  for await (const text of source.texts()) verifier.add(text);
  const head = source.head();
  const verdict = verifier.end(head === undefined ? {} : { head });
  if (!verdict.ok) {
    const text = `The audit log is not whole. The first wrong place is ${verdict.place}. ${verdict.problem}\n`;
    return { value: verdict, text, code: 1 };
  }
  const { entries, last, open, trimmed } = verdict;
  const whole = `The audit log is whole: ${entries} entries, the last is ${last.seq}, with the hash\n${last.hash}\n`;
  return { value: verdict, text: `${whole}${trimmedInWords(trimmed)}${openInWords(open)}` };
}

function trimmedInWords(trimmed: Trimmed | undefined): string {
  if (!trimmed) return "";
  const { through, by, at, oldest } = trimmed;
  return `Entries up to ${through} were removed: entry ${by}, of ${at}, says that their retention period was over.
The oldest entry that is left is of ${oldest}. Compare this with \`audit.days\` of the portal.
`;
}

function openInWords(open: readonly number[]): string {
  if (open.length === 0) return "";
  const count = open.length === 1 ? "1 change has" : `${open.length} changes have`;
  return `${count} no outcome yet, beginning with entry ${open[0]}: still running, or the portal ended in between.\n`;
}

export async function exportAudit({ portal, flags, io }: Call<Sources>): Promise<number> {
  for await (const text of sourceOf(flags, portal).texts()) io.stdout(`${text}\n`);
  return 0;
}

function sourceOf({ file, folder }: Sources, portal: Call["portal"]): AuditSource {
  if (file !== undefined) return auditOfFile(file);
  if (folder !== undefined) return auditOfFolder(folder);
  return auditOfPortal(portal());
}
