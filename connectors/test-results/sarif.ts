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
const level = z.enum(["none", "note", "warning", "error"]);
const index = z.int().catch(-1);
const rule = z.looseObject({
  id: text,
  defaultConfiguration: z
    .looseObject({ level: level.optional().catch(undefined) })
    .optional()
    .catch(undefined),
});
const component = z.looseObject({ rules: z.array(rule).catch([]) });
const result = z.looseObject({
  level: level.optional().catch(undefined),
  kind: z.string().catch("fail"),
  baselineState: text,
  ruleId: text,
  ruleIndex: index,
  rule: z
    .looseObject({ id: text, index, toolComponent: z.looseObject({ index }).optional().catch(undefined) })
    .optional()
    .catch(undefined),
  message: z.looseObject({ text }).catch({ text: "" }),
  suppressions: z.array(z.looseObject({ status: text }).catch({ status: "" })).catch([]),
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
const run = z.looseObject({
  tool: z
    .looseObject({ driver: component.catch({ rules: [] }), extensions: z.array(component).catch([]) })
    .catch({ driver: { rules: [] }, extensions: [] }),
  results: z.array(result).nullish(),
});
const sarif = z.looseObject({ runs: z.array(run) });
type Result = z.output<typeof result>;
type Run = z.output<typeof run>;
type Rule = z.output<typeof rule>;

export function readSarif(json: string): Findings | { readonly problem: string } {
  let parsed: unknown;
  try {
    parsed = JSON.parse(json.replace(/^\uFEFF/, ""));
  } catch (error) {
    if (error instanceof SyntaxError) return { problem: "it is not JSON" };
    throw error;
  }
  const read = sarif.safeParse(parsed);
  if (!read.success) return { problem: "it has no runs with results, as SARIF has" };
  const found = read.data.runs.flatMap((one) =>
    (one.results ?? []).filter(counts).map((result) => {
      const rule = ruleOf(result, one);
      return { result, id: result.ruleId || (rule?.id ?? ""), level: levelOf(result, rule) };
    }),
  );
  const count = (wanted: string): number => found.filter((one) => one.level === wanted).length;
  const worst = found.find((one) => one.level === "error");
  return {
    error: count("error"),
    warning: count("warning"),
    note: count("note"),
    ...(worst ? { first: inWords(worst.id, worst.result) } : {}),
  };
}

/** Neither suppressed, by something that was not rejected, nor gone since the run that it is compared with. */
function counts({ suppressions, baselineState }: Result): boolean {
  const isSuppressed = suppressions.length > 0 && suppressions.every(({ status }) => ["", "accepted"].includes(status));
  return !isSuppressed && baselineState !== "absent";
}

function ruleOf({ ruleId, ruleIndex, rule: named }: Result, { tool }: Run): Rule | undefined {
  const { rules } = tool.extensions[named?.toolComponent?.index ?? -1] ?? tool.driver;
  const at = ruleIndex === -1 ? named?.index : ruleIndex;
  const id = ruleId || named?.id;
  return rules[at ?? -1] ?? rules.find((one) => one.id !== "" && one.id === id);
}

/** A result without a level has the one of its rule. What is no failure has none. */
function levelOf({ level: own, kind }: Result, rule: Rule | undefined): string {
  if (own !== undefined) return own;
  return kind === "fail" ? (rule?.defaultConfiguration?.level ?? "warning") : "none";
}

function inWords(id: string, { message, locations: [first] }: Result): string {
  const { artifactLocation, region } = first?.physicalLocation ?? {};
  const line = region && region.startLine > 0 ? `:${region.startLine}` : "";
  const where = artifactLocation?.uri ? `${artifactLocation.uri}${line} ` : "";
  return truncate(`${where}${id}: ${message.text}`.replace(/\s+/g, " ").trim(), 500);
}
