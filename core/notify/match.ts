// Which rules speak about an event, once per what, on which channels, to whom. Pure.

import { ValueProblem } from "../expr/values.ts";
import type { JsonObject } from "../json.ts";
import type { CompiledRule } from "./compile-rules.ts";
import { type RuleExpression, type RuleScope, ruleScope } from "./rule-expression.ts";

/** The part of a feed event that rules and messages use. */
export type Notice = {
  readonly id: string;
  readonly type: string;
  readonly data: {
    readonly task: string;
    readonly pipeline: string;
    readonly title: string;
    readonly app?: string | undefined;
    readonly requestedBy: string;
    readonly url: string;
    /** The fact, with its `kind` and `at`. */
    readonly event: JsonObject;
  };
};

export type Match = {
  /** `<rule>/<once-per value>/<channel>`: a delivery with a key that is known is not made again. */
  readonly key: string;
  readonly rule: string;
  readonly channel: string;
  /** As the rule says; undefined means whom the channel speaks to by itself. */
  readonly to: string | undefined;
};

/** Something in a rule that could not be computed for this event; a person should read it in the log. */
export type RuleProblem = { readonly rule: string; readonly part: "when" | "oncePer" | "to"; readonly problem: string };

const MAX_ONCE = 500;

export function matchRules(
  rules: readonly CompiledRule[],
  notice: Notice,
): { readonly matches: readonly Match[]; readonly problems: readonly RuleProblem[] } {
  const scope = scopeOf(notice);
  if (!("get" in scope)) {
    return { matches: [], problems: rules.map(({ name }) => ({ rule: name, part: "when", problem: scope.problem })) };
  }
  const problems: RuleProblem[] = [];
  const matches = rules.flatMap((rule): readonly Match[] => {
    const when = rule.when(scope);
    if (when.kind === "problem") problems.push({ rule: rule.name, part: "when", problem: when.problem });
    if (when.kind !== "value" || when.value !== true) return [];

    const textOf = (part: "oncePer" | "to", expression: RuleExpression): string | undefined => {
      const text = textValue(expression, scope);
      if (typeof text === "string") return text;
      problems.push({ rule: rule.name, part, ...text });
      return undefined;
    };
    // Where the value cannot be computed it is better to speak once per event, or to the usual people, than not at all.
    const once = (textOf("oncePer", rule.oncePer) ?? notice.id).slice(0, MAX_ONCE);
    return rule.send.map((target) => ({
      key: `${rule.name}/${once}/${target.channel}`,
      rule: rule.name,
      channel: target.channel,
      to: target.to && textOf("to", target.to),
    }));
  });
  return { matches, problems };
}

/** A problem only for an event of absurd size or depth. */
function scopeOf({ type, data }: Notice): RuleScope | { readonly problem: string } {
  const { task: id, pipeline, title, app, requestedBy, url } = data;
  const task = { id, pipeline, title, requestedBy, url, ...(app === undefined ? {} : { app }) };
  try {
    return ruleScope({ ...data.event, type }, task);
  } catch (error) {
    if (error instanceof ValueProblem) return { problem: error.message };
    throw error;
  }
}

function textValue(expression: RuleExpression, scope: RuleScope): string | { readonly problem: string } {
  const result = expression(scope);
  if (result.kind === "missing") return { problem: "the event has no such member" };
  if (result.kind === "problem") return { problem: result.problem };
  if (typeof result.value === "string" && result.value !== "") return result.value;
  return { problem: "the value is not a text, or it is empty" };
}
