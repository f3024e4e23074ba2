// Reads the rules of the configuration. All mistakes are reported at once.

import type { Problem } from "../errors.ts";
import { didYouMean } from "../suggest.ts";
import type { RuleFile } from "./rule.ts";
import { compileRuleExpression, type RuleExpression } from "./rule-expression.ts";

export type CompiledRule = {
  readonly name: string;
  readonly when: RuleExpression;
  readonly oncePer: RuleExpression;
  readonly send: readonly { readonly channel: string; readonly to: RuleExpression | undefined }[];
};

/** The rules and their mistakes; use `rules` only if there are no problems. */
export function compileRules(
  files: readonly RuleFile[],
  channels: readonly string[],
): { readonly rules: readonly CompiledRule[]; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const names = new Set<string>();

  const compile = (source: string, wanted: "bool" | "string", pointer: string): RuleExpression => {
    const result = compileRuleExpression(source, wanted);
    if ("expression" in result) return result.expression;
    for (const problem of result.problems)
      problems.push({ detail: `The expression is not valid: ${problem}.`, pointer });
    return () => ({ kind: "missing" });
  };

  const rules = files.map((file, at): CompiledRule => {
    const pointer = `/rules/${at}`;
    if (names.has(file.name)) problems.push({ detail: `Two rules have the name ${file.name}.`, pointer });
    names.add(file.name);
    const used = new Set<string>();
    const send = file.send.map((target, n) => {
      const place = `${pointer}/send/${n}`;
      if (!channels.includes(target.channel)) {
        const hint = didYouMean(target.channel, channels);
        problems.push({ detail: `There is no channel ${target.channel}${hint}.`, pointer: `${place}/channel` });
      }
      // The key of a delivery has one place per rule and channel.
      if (used.has(target.channel)) {
        problems.push({ detail: `The channel ${target.channel} is named twice.`, pointer: `${place}/channel` });
      }
      used.add(target.channel);
      const to = target.to === undefined ? undefined : compile(target.to, "string", `${place}/to`);
      return { channel: target.channel, to };
    });
    const when = compile(file.when, "bool", `${pointer}/when`);
    return { name: file.name, when, oncePer: compile(file.oncePer, "string", `${pointer}/oncePer`), send };
  });
  return { rules, problems };
}

/**
 * The rules of a configuration without rules. All channels report the end of every task, every question that only a person
 * can answer with its answers, and every new app. A task that created an app is reported once, as the app. A task that has read
 * definitions or templates is not reported.
 */
export function defaultRules(channels: readonly string[]): readonly RuleFile[] {
  const created = 'task.pipeline == "create-app" && event.outcome == "succeeded"';
  // They run every few minutes by themselves, so only one that fails is news.
  const routine =
    'task.pipeline in ["definitions-sync", "own-pipelines-sync", "poll-git", "templates-sync"] && event.outcome == "succeeded"';
  const send = channels.map((channel) => ({ channel }));
  return [
    {
      name: "task-ended",
      when: `event.kind == "TaskEnded" && !(${created}) && !(${routine})`,
      oncePer: "task.id",
      send,
    },
    { name: "app-created", when: `event.kind == "TaskEnded" && ${created}`, oncePer: "task.id", send },
    // A job can be held again after an answer: that is a new question.
    {
      name: "job-held",
      when: 'event.kind == "JobHeld"',
      oncePer: 'task.id + "/" + event.job + "/" + string(event.at)',
      send,
    },
    // Once more halfway to the end, and when it is over.
    {
      name: "approval",
      when: 'event.kind in ["ApprovalRequested", "ApprovalReminded", "ApprovalEscalated", "ApprovalAnswered", "ApprovalExpired"]',
      oncePer: 'task.id + "/" + event.job + "/" + event.kind + "/" + string(event.at)',
      send,
    },
  ];
}
