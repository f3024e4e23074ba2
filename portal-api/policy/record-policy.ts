// Every change of the policy is in the audit log: whoever may change its file, or push to the definitions, gives rights to people
// without a request to the portal.

import type { Binding, Policy } from "@gantry/core/access/policy.ts";
import { isRole } from "@gantry/core/access/roles.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import { defineStream } from "@gantry/journal/typed-stream.ts";
import { harmless } from "@gantry/wire/audit/entry.ts";
import type { AuditChain } from "../audit/chain.ts";

/** Where a policy comes from: a file, or the commit of a repository. */
export type PolicyOrigin = { readonly [what: string]: string };

/**
 * To be called before a policy comes into force, also at the start. Resolves when the differences from the one before are in the
 * audit log. Rejects when they cannot be written. Not to be called concurrently.
 */
export type RecordPolicy = (policy: Policy | undefined, origin: PolicyOrigin) => Promise<void>;

const recordedRules = defineStream<{ readonly rules: readonly string[] }>({ prefix: "access/recorded-rules" });
/** A policy of many rules that all change is cut: the file has the rest. */
const MAX_TEXT = 4_000;

export function openPolicyRecord(
  journal: Pick<Journal, "load" | "append">,
  chain: Pick<AuditChain, "append">,
): RecordPolicy {
  return async (policy, origin) => {
    const before = (await recordedRules.load(journal))?.state.rules ?? [];
    const rules = policy === undefined ? [] : rulesOf(policy);
    const added = rules.filter((one) => !before.includes(one));
    const removed = before.filter((one) => !rules.includes(one));
    if (added.length === 0 && removed.length === 0) return;
    const on = { ...origin, ...textOf("added", added), ...textOf("removed", removed) };
    const shown = Object.entries(on).map(([what, text]) => [what, harmless(text, MAX_TEXT)] as const);
    await chain.append({ kind: "policy", verb: "change the policy", on: Object.fromEntries(shown) });
    await journal.append([recordedRules.append("", { expected: 0, state: { rules } })]);
  };
}

function textOf(what: string, rules: readonly string[]): { readonly [what: string]: string } {
  return rules.length === 0 ? {} : { [what]: rules.join("; ") };
}

/** One text for each rule and team: equal texts give the same rights. */
function rulesOf({ bindings, deny, teams }: Policy): readonly string[] {
  return [
    ...bindings.map((one) => `binding ${JSON.stringify(withoutKnownVerbs(one))}`),
    ...deny.map((one) => `deny ${JSON.stringify(one)}`),
    ...Object.entries(teams).map(([team, apps]) => `team ${team} ${JSON.stringify(apps)}`),
  ];
}

/** Those of a built-in role are in the documentation. */
function withoutKnownVerbs({ verbs, ...rest }: Binding): Partial<Binding> {
  return isRole(rest.role) ? rest : { ...rest, verbs };
}
