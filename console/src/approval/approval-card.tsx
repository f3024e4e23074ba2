// A job that waits for people: what is asked, what will happen, and the answer of this person.

import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { type AskedApproval, send, v1 } from "../data/api.ts";
import { put } from "../data/store.ts";
import { useAction } from "../data/use-action.ts";
import { ProblemBox } from "../parts/loading-states.tsx";
import { Prose } from "../parts/prose.tsx";
import { ReasonInput } from "../parts/reason-input.tsx";
import { StateGlyph } from "../parts/state-badge.tsx";
import { FieldInput } from "../run/field.tsx";
import { type Entries, errorsByField, fieldsOf, firstEntries, paramsOf } from "../run/form.ts";
import { ApprovalFacts } from "./approval-facts.tsx";

/**
 * `isRejecting`: the person came to reject it, which needs a reason. `onAnswered`: the list of what waits is out of date. `taken`: the answer that was
 * accepted; absent after a refusal. `children`: what else to look at before answering.
 */
type CardProps = {
  readonly asked: AskedApproval;
  readonly isRejecting?: boolean;
  readonly onAnswered: (taken?: Answer) => void;
  readonly children?: ComponentChildren;
};

export type Answer = "approve" | "reject";

export function ApprovalCard({ asked, isRejecting = false, onAnswered, children }: CardProps) {
  return (
    <section class="held hue-amber" aria-label={`${asked.job} waits for an approval`}>
      <p class="strong">
        <StateGlyph state="waiting" /> <Prose text={asked.question} />
      </p>
      <ApprovalFacts asked={asked} />
      {children}
      <AnswerForm asked={asked} isRejecting={isRejecting} onAnswered={onAnswered} />
    </section>
  );
}

function AnswerForm({ asked, isRejecting, onAnswered }: Required<Omit<CardProps, "children">>) {
  const { isSending, problem, run } = useAction();
  const reason = useSignal("");
  const fields = fieldsOf(asked.inputs ?? {});
  const entries = useSignal<Entries>(firstEntries(fields));
  const errors = errorsByField(fields, inputErrors(problem?.errors));
  const say = (answer: Answer): void =>
    run(async () => {
      const why = reason.value.trim();
      const body = {
        answer,
        plan: asked.plan,
        ...(why === "" ? {} : { reason: why }),
        ...(answer === "approve" && fields.length > 0 ? { inputs: paramsOf(fields, entries.value) } : {}),
      };
      const next = await send("POST", v1.approval(asked.task, asked.job), body).catch((error: unknown) => {
        onAnswered();
        throw error;
      });
      onAnswered(answer);
      if (next) put(v1.task(asked.task), next);
    });
  const { mayApprove, mayReject, whyNot } = asked;
  return (
    <>
      {mayApprove && fields.length > 0 ? (
        <div class="approval-inputs">
          {fields.map((field) => (
            <FieldInput
              key={field.name}
              field={field}
              value={entries.value[field.name] ?? ""}
              options={field.offers}
              errors={errors[field.name] ?? []}
              onChange={(value) => {
                entries.value = { ...entries.value, [field.name]: value };
              }}
            />
          ))}
        </div>
      ) : null}
      {mayApprove || mayReject ? (
        <div class="held-reason">
          <ReasonInput id={`approval-${asked.job}`} reason={reason} note="needed to reject" isFirst={isRejecting} />
        </div>
      ) : null}
      <div class="submit">
        <button
          type="button"
          class="button primary"
          disabled={isSending || !mayApprove}
          title={mayApprove ? undefined : whyNot}
          onClick={() => say("approve")}
        >
          Approve
        </button>
        <button
          type="button"
          class="button"
          disabled={isSending || !mayReject || reason.value.trim() === ""}
          title={mayReject ? "Say why, then reject it: the job fails" : whyNot}
          onClick={() => say("reject")}
        >
          Reject
        </button>
      </div>
      {whyNot === undefined ? null : <p class="soft">{whyNot}</p>}
      {problem ? <ProblemBox problem={problem} /> : null}
    </>
  );
}

/** The form knows its fields without the name of the map that they are in. */
function inputErrors(errors: readonly { readonly pointer?: string; readonly detail: string }[] = []) {
  return errors.map(({ pointer, detail }) => ({ pointer: pointer?.replace(/^#?\/inputs/, "") ?? "", detail }));
}
