// Where the texts of the audit chain come from: the portal, an exported file, or the portal's data folder.

import { createReadStream } from "node:fs";
import { join } from "node:path";
import { GantryError } from "@gantry/core/errors.ts";
import { fileProblem } from "@gantry/core/system-error-words.ts";
import { openJournalFile } from "@gantry/journal/sqlite/read-file.ts";
import { CHAIN_START, type ChainEnd, textOf } from "@gantry/wire/audit/entry.ts";
import { z } from "zod";
import type { PortalClient } from "./client.ts";

export type AuditSource = {
  /** Oldest first. Rejects with `argument-unusable` when the source cannot be read. */
  readonly texts: () => AsyncIterable<string>;
  /** The end of the chain that the source itself names, if it names one; known when all texts have been read. */
  readonly head: () => ChainEnd | undefined;
};

const PAGE = 200;
const storedHead = z.object({ seq: z.int(), hash: z.string() });
const entries = z.object({
  items: z.array(z.record(z.string(), z.json())),
  head: storedHead.optional().describe("A portal of an older version does not tell it"),
});

export function auditOfPortal(portal: PortalClient): AuditSource {
  let head: ChainEnd | undefined;
  return {
    head: () => head,
    texts: async function* () {
      for (let after = 0; ; ) {
        const page = await portal.get(`/v1/audit/entries?after=${after}&limit=${PAGE}`, entries);
        const { items } = page;
        // That of the last page counts: entries may be appended until then.
        head = page.head;
        yield* items.map(textOf);
        const last = items.at(-1)?.seq;
        if (typeof last !== "number" || last <= after) return;
        after = last;
      }
    },
  };
}

export function auditOfFile(file: string): AuditSource {
  return {
    head: () => undefined,
    texts: async function* () {
      let rest = "";
      try {
        for await (const chunk of createReadStream(file, { encoding: "utf8" })) {
          const lines = (rest + String(chunk)).split("\n");
          rest = lines.pop() ?? "";
          yield* lines;
        }
      } catch (error) {
        throw unreadable(file, error);
      }
      // Every line ends with a line break: what follows the last one is damaged or was cut.
      if (rest !== "") yield `${rest}\n`;
    },
  };
}

/** `folder`: the portal's data folder. The portal may be running. */
export function auditOfFolder(folder: string): AuditSource {
  const file = join(folder, "portal.db");
  let head: ChainEnd | undefined;
  return {
    head: () => head,
    texts: async function* () {
      try {
        const journal = openJournalFile(file);
        try {
          const text = journal.snapshot("audit-head");
          head = text === undefined ? CHAIN_START : storedHead.parse(JSON.parse(text));
          yield* journal.events("audit/");
        } finally {
          journal.close();
        }
      } catch (error) {
        throw unreadable(file, error);
      }
    },
  };
}

function unreadable(file: string, cause: unknown): GantryError {
  const problem = `It cannot be read as an audit log: ${fileProblem(cause)}.`;
  return new GantryError("argument-unusable", { argument: `The file ${file}`, problem }, { cause });
}
