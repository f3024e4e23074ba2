// Counts the findings in a SARIF file: what linters and scanners of source code write. Pure.

import { truncate } from "@gantry/core/truncate.ts";
import { z } from "zod";

export type Findings = {
  readonly error: number;
  readonly warning: number;
  readonly note: number;
  /** The first error: `src/a.js:3 no-undef: x is not defined`. */
  readonly first?: string;
};

const text = z.string().catch("");
const result = z.looseObject({
  level: z.enum(["none", "note", "warning", "error"]).catch("warning"),
  ruleId: text,
  message: z.looseObject({ text }).catch({ text: "" }),
  suppressions: z.array(z.unknown()).catch([]),
  locations: z
    .array(
      z.looseObject({
        physicalLocation: z
          .looseObject({
            artifactLocation: z.looseObject({ uri: text }).catch({ uri: "" }),
            region: z.looseObject({ startLine: z.number().int().catch(0) }).catch({ startLine: 0 }),
          })
          .optional()
          .catch(undefined),
      }),
    )
    .catch([]),
});
const sarif = z.looseObject({ runs: z.array(z.looseObject({ results: z.array(result).nullish() })) });

export function readSarif(json: string): Findings | { readonly problem: string } {
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch (error) {
    if (error instanceof SyntaxError) return { problem: "it is not JSON" };
    throw error;
  }
  const read = sarif.safeParse(parsed);
  if (!read.success) return { problem: "it has no runs with results, as SARIF has" };
  const results = read.data.runs.flatMap(({ results }) => results ?? []).filter((one) => one.suppressions.length === 0);
  const count = (level: string): number => results.filter((one) => one.level === level).length;
  const worst = results.find((one) => one.level === "error");
  return {
    error: count("error"),
    warning: count("warning"),
    note: count("note"),
    ...(worst ? { first: inWords(worst) } : {}),
  };
}

function inWords({ ruleId, message, locations: [first] }: z.output<typeof result>): string {
  const { artifactLocation, region } = first?.physicalLocation ?? {};
  const line = region && region.startLine > 0 ? `:${region.startLine}` : "";
  const where = artifactLocation?.uri ? `${artifactLocation.uri}${line} ` : "";
  return truncate(`${where}${ruleId}: ${message.text}`.replace(/\s+/g, " ").trim(), 500);
}
