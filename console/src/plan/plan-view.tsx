// What a deployment changes: for each target in words, what may surprise, and the manifests side by side in one text.

import type { CdPlan, PlanWarning, TargetPlan } from "@gantry/wire/agent/deployments.ts";
import { count } from "../parts/format.ts";
import { Prose } from "../parts/prose.tsx";

export function PlanView({ plan }: { plan: CdPlan }) {
  const { targets, problem, state } = plan;
  return (
    <div class="plan-view">
      {problem === "" ? null : (
        <p class="plan-warning hue-red">
          <span class="plan-mark">Will fail</span>
          <span>
            <Prose text={problem} />
          </span>
        </p>
      )}
      {targets.map((one) => (
        <Target key={one.target} of={one} />
      ))}
      {state === "failed" && targets.length === 0 && problem === "" ? (
        <p class="field-error">There is no plan. The task says why.</p>
      ) : null}
    </div>
  );
}

function Target({ of }: { of: TargetPlan }) {
  const { target, site, environment, known, problem, changes, warnings, diff, approval } = of;
  const place = [site, environment].filter((one) => one !== undefined && one !== target).join(", ");
  return (
    <article class="plan-target" aria-label={`Plan for ${target}`}>
      <p>
        <span class="strong">{target}</span> <span class="soft">{place}</span>{" "}
        <span class="plan-summary">{summaryOf(of)}</span>
      </p>
      {known ? null : (
        <p class="field-about">
          <Prose text={problem} />.
        </p>
      )}
      {changes.length === 0 ? null : (
        <ul class="plan-changes">
          {changes.map((change) => (
            <li key={change}>{change}</li>
          ))}
        </ul>
      )}
      {warnings.map((warning) => (
        <Warning key={`${warning.code} ${warning.text}`} of={warning} />
      ))}
      {approval ? <p class="field-about">Waits for {approval.text}.</p> : null}
      {diff === "" ? null : (
        <details>
          <summary>Manifests</summary>
          <Diff text={diff} name={target} />
        </details>
      )}
    </article>
  );
}

function summaryOf({ known, resources }: TargetPlan): string {
  if (!known) return "Not known before the commit";
  if (resources.length === 0) return "Nothing changes";
  const of = (action: string): number => resources.filter((one) => one.action === action).length;
  const parts = [
    of("add") > 0 ? `${of("add")} added` : "",
    of("change") > 0 ? `${of("change")} changed` : "",
    of("remove") > 0 ? `${of("remove")} removed` : "",
  ].filter((part) => part !== "");
  return `${count(resources.length, "object", "objects")}: ${parts.join(", ")}`;
}

const LOOKS = {
  fails: { word: "Will fail", hue: "hue-red" },
  careful: { word: "Careful", hue: "hue-orange" },
  unknown: { word: "Not known", hue: "hue-amber" },
  waits: { word: "Waits", hue: "hue-blue" },
} as const;

function Warning({ of: { severity, text } }: { of: PlanWarning }) {
  const { word, hue } = LOOKS[severity];
  return (
    <p class={`plan-warning ${hue}`}>
      <span class="plan-mark">{word}</span>
      <span>
        <Prose text={text} />.
      </span>
    </p>
  );
}

function Diff({ text, name }: { text: string; name: string }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a part that scrolls must be reachable by keyboard
    <pre class="plan-diff" tabIndex={0} title={`Changes of the manifests at ${name}`}>
      {text.split("\n").map((line, at) => (
        <span key={at} class={classOf(line)}>
          {`${line}\n`}
        </span>
      ))}
    </pre>
  );
}

function classOf(line: string): string {
  if (/^(---|\+\+\+|@@)/.test(line)) return "diff-head";
  return line.startsWith("+") ? "diff-add" : line.startsWith("-") ? "diff-remove" : "";
}
