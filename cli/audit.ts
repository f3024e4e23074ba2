// `gantry audit`: lists, verifies and exports the audit log.

import { parseFlags } from "@gantry/runtime/process/parse-flags.ts";
import { type AuditFacts, auditEntry } from "@gantry/wire/audit/entry.ts";
import { openVerifier } from "@gantry/wire/audit/verify.ts";
import { z } from "zod";
import { type AuditSource, auditOfFile, auditOfFolder, auditOfPortal } from "./audit-source.ts";
import type { Io } from "./io.ts";
import { PORTAL_FLAGS, PORTAL_HELP, portalFor } from "./portal-access.ts";

const HELP = `Usage: gantry audit list [--who NAME] [--verb OPERATION] [--app APP] [--task ID] [--result RESULT]
                         [--since TIME] [--until TIME] [--limit N]
       gantry audit verify [--file FILE | --folder DIR] [--expect HASH]
       gantry audit export [--folder DIR]

\`list\` prints the newest entries. OPERATION is as the entries have it ("run CD"); RESULT is done, refused, failed or unknown; TIME is like 2026-11-29T18:00:00Z.
\`verify\` checks that no entry was changed, removed or moved, and names the first wrong one (exit code 1).
\`export\` prints all entries as JSON lines, oldest first.

  --file FILE    verify an exported file
  --folder DIR   read portal.db in this data folder of the portal, which may be stopped
  --expect HASH  a hash from an earlier \`verify\` or from the portal's log ("audit head"): the chain must contain it.
                 Without it, a chain whose newest entries were cut off or that was written anew can look whole.

${PORTAL_HELP}`;

const FLAGS = {
  ...PORTAL_FLAGS,
  who: { type: "string" },
  verb: { type: "string" },
  app: { type: "string" },
  task: { type: "string" },
  result: { type: "string" },
  since: { type: "string" },
  until: { type: "string" },
  limit: { type: "string", default: "50" },
  file: { type: "string" },
  folder: { type: "string" },
  expect: { type: "string" },
} as const;

const FILTERS = ["who", "verb", "app", "task", "result", "since", "until"] as const;
const PAGE = 200;

const found = z.object({
  items: z.array(auditEntry.extend({ result: z.string() })),
  nextCursor: z.string().optional(),
});
type Found = z.infer<typeof found>;

export async function audit(argv: readonly string[], io: Io): Promise<number> {
  const read = readArguments(argv);
  if (typeof read === "string") {
    (read === "" ? io.stdout : io.stderr)(`${read === "" ? "" : `${read}\n\n`}${HELP}`);
    return read === "" ? 0 : 2;
  }
  if (read.verb === "list") return list(read, io);
  if (read.verb === "verify") return verify(read, io);
  for await (const text of sourceOf(read, io).texts()) io.stdout(`${text}\n`);
  return 0;
}

async function list({ values }: Arguments, io: Io): Promise<number> {
  const query = new URLSearchParams();
  for (const name of FILTERS) {
    const value = values[name];
    if (value !== undefined) query.set(name, value);
  }
  const limit = Number(values.limit);
  query.set("limit", String(Math.min(limit, PAGE)));
  const portal = portalFor(values, io);
  const items: Found["items"][number][] = [];
  // A page may be short of entries that match: go on until there are enough.
  for (let cursor: string | undefined = ""; cursor !== undefined && items.length < limit; ) {
    if (cursor !== "") query.set("cursor", cursor);
    const page: Found = await portal.get(`/v1/audit?${query}`, found);
    items.push(...page.items.slice(0, limit - items.length));
    cursor = page.nextCursor;
  }
  if (values.json) io.stdout(`${JSON.stringify(items, null, 2)}\n`);
  else io.stdout(items.length === 0 ? "No entry matches.\n" : items.map(lineOf).join(""));
  return 0;
}

function lineOf(entry: Found["items"][number]): string {
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

async function verify(read: Arguments, io: Io): Promise<number> {
  const source = sourceOf(read, io);
  const verifier = openVerifier(read.values.expect);
  for await (const text of source.texts()) verifier.add(text);
  const head = source.head();
  const verdict = verifier.end(head === undefined ? {} : { head });
  if (read.values.json) io.stdout(`${JSON.stringify(verdict, null, 2)}\n`);
  else if (!verdict.ok)
    io.stdout(`The audit log is not whole. The first wrong place is ${verdict.place}. ${verdict.problem}\n`);
  else {
    const { entries, last, open } = verdict;
    io.stdout(`The audit log is whole: ${entries} entries, the last is ${last.seq}, with the hash\n${last.hash}\n`);
    if (open.length > 0)
      io.stdout(
        `${open.length === 1 ? "1 change has" : `${open.length} changes have`} no outcome yet, beginning with entry ${open[0]}: still running, or the portal ended in between.\n`,
      );
  }
  return verdict.ok ? 0 : 1;
}

function sourceOf({ values }: Arguments, io: Io): AuditSource {
  if (values.file !== undefined) return auditOfFile(values.file);
  if (values.folder !== undefined) return auditOfFolder(values.folder);
  return auditOfPortal(portalFor(values, io));
}

type Arguments = {
  readonly verb: "list" | "verify" | "export";
  readonly values: ReturnType<typeof parse>["values"];
};

const parse = (argv: readonly string[]) => parseFlags(argv, FLAGS);

/** The arguments, an empty text for `--help`, or an error message. */
function readArguments(argv: readonly string[]): Arguments | string {
  try {
    const { values, positionals } = parse(argv);
    if (values.help) return "";
    const [verb = "list", ...more] = positionals;
    if (verb !== "list" && verb !== "verify" && verb !== "export") return `Unknown command: gantry audit ${verb}`;
    if (more.length > 0) return `Wrong number of arguments for \`gantry audit ${verb}\`.`;
    if (values.file !== undefined && (verb !== "verify" || values.folder !== undefined))
      return "--file goes with `gantry audit verify` alone, and not with --folder.";
    if (!/^\d{1,6}$/.test(values.limit)) return `--limit ${values.limit}: use a number.`;
    return { verb, values };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
