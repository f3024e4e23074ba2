// Which rules match an event, once per which value, on which channels, and to which receivers. Pure.

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
  /** `<rule>/<once-per value>/<channel>`: there is at most one delivery for each key. */
  readonly key: string;
  readonly rule: string;
  readonly channel: string;
  /** From the rule; undefined means the receivers that the channel has by default. */
  readonly to: string | undefined;
};

/** A part of a rule that could not be evaluated for this event. It belongs in the log. */
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
    // If the value cannot be computed, one message per event, or a message to the default receivers, is better than none.
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

/** Reports a problem only for an event of extreme size or depth. */
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
