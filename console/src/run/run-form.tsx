// The form of a pipeline: its fields, the button, and the errors of the last request.

import type { ProblemBody } from "@gantry/runtime/http/problem.ts";
import type { AppView, PipelineView } from "@gantry/wire/agent/views.ts";
import { useSignal } from "@preact/signals";
import { Fragment } from "preact";
import { useRef } from "preact/hooks";
import { newKey, problemFrom, start, to, v1 } from "../data/api.ts";
import { listAt, textAt } from "../data/json-access.ts";
import { mayDo } from "../data/session.ts";
import { put } from "../data/store.ts";
import { go } from "../frame/router.ts";
import { ProblemBox } from "../parts/loading-states.tsx";
import { MissingForPipeline } from "../parts/missing-systems.tsx";
import { Prose } from "../parts/prose.tsx";
import { AskPlan } from "../plan/ask-plan.tsx";
import { Command } from "./command.tsx";
import { DeployPreview } from "./deploy-preview.tsx";
import { FieldInput } from "./field.tsx";
import { type Entries, errorsByField, type Field, fieldsOf, firstEntries, paramsOf, secretNames } from "./form.ts";
import { PipelineOutline } from "./pipeline-outline.tsx";
import { TemplateNote, TemplateParams } from "./template-fields.tsx";

type Props = {
  /** What starts it: for CI and CD of an app the button, whichever pipeline is behind it. */
  readonly name: string;
  readonly pipeline: PipelineView;
  readonly app: string | undefined;
  readonly of: AppView | undefined;
  readonly build: string | undefined;
};

export function RunForm({ name, pipeline, app, of, build }: Props) {
  const fields = fieldsOf(pipeline.params);
  const entries = useSignal<Entries>(firstEntries(fields, build));
  const form = useRef<HTMLFormElement>(null);
  const params = paramsOf(fields, entries.value);
  const reason = useSignal("");
  const { isSending, problem, submit } = useStart(form, () => [name, app, params, reason.value.trim()]);
  const setReason = (text: string): void => {
    reason.value = text;
  };
  const set = (name: string) => (value: Entries[string]) => {
    entries.value = { ...entries.value, [name]: value };
  };
  const planned = fields.find(({ ui }) => ui === "plan")?.name;
  const setPlan = (hashes: readonly string[]): void => {
    if (planned !== undefined) set(planned)(hashes);
  };
  const template = templateOf(fields, entries.value);
  const mayOverride = problem?.code === "policy-unmet" && mayDo("override-policy", of);
  const errors = errorsByField(fields, problem?.errors ?? []);
  const hasFieldErrors = fields.some(({ name }) => errors[name] !== undefined);
  return (
    <div class="sheet-body">
      <form ref={form} onSubmit={submit} noValidate>
        <p class="soft">
          <Prose text={pipeline.summary} />
        </p>
        <MissingForPipeline pipeline={pipeline} />
        {fields.filter(isShown).map((field) => {
          const shared = { field, errors: errors[field.name] ?? [], onChange: set(field.name) };
          const value = entries.value[field.name] ?? "";
          if (field.ui === "template-params" && typeof value !== "string")
            return <TemplateParams key={field.name} {...shared} template={template} value={value} />;
          return (
            <Fragment key={field.name}>
              <FieldInput {...shared} options={optionsOf(field, of?.record)} app={app} value={value} />
              {field.ui === "template" ? <TemplateNote chosen={template} /> : null}
            </Fragment>
          );
        })}
        {of && fields.some(({ ui }) => ui === "build") ? (
          <DeployPreview app={of} {...deploymentOf(fields, entries.value)} />
        ) : null}
        {of && name === "cd" ? (
          <AskPlan app={of.name} {...deploymentOf(fields, entries.value)} onSeen={setPlan} />
        ) : null}
        <div class="sheet-footer">
          {problem ? <FormProblem problem={problem} hasFieldErrors={hasFieldErrors} /> : null}
          {mayOverride || reason.value !== "" ? <Reason value={reason.value} onChange={setReason} /> : null}
          <div class="submit">
            <button type="submit" class="button primary" disabled={isSending} aria-busy={isSending}>
              {isSending ? "Sending" : <Prose text={pipeline.button} />}
            </button>
          </div>
        </div>
      </form>
      <aside>
        <h3>What this pipeline does</h3>
        <PipelineOutline pipeline={pipeline} />
        <Command pipeline={name} app={app} params={params} secrets={secretNames(fields)} />
      </aside>
    </div>
  );
}

/** The page fills it in itself. */
function isShown({ ui }: Field): boolean {
  return ui !== "plan";
}

function templateOf(fields: readonly Field[], entries: Entries): string {
  const chosen = entries[fields.find(({ ui }) => ui === "template")?.name ?? ""];
  return typeof chosen === "string" ? chosen : "";
}

/** What the form says of the build and the targets. */
function deploymentOf(fields: readonly Field[], entries: Entries): { build: string; targets: readonly string[] } {
  const of = (ui: string): readonly Entries[string][] =>
    fields.filter((field) => field.ui === ui).map(({ name }) => entries[name] ?? "");
  return {
    build: of("build").flat().join(""),
    targets: of("target")
      .flat()
      .filter((one) => one !== ""),
  };
}

/** For those who may deploy a build that an environment does not take. */
function Reason({ value, onChange }: { value: string; onChange: (text: string) => void }) {
  return (
    <div class="field">
      <label for="override-reason">Deploy it anyway, because</label>
      <input
        id="override-reason"
        value={value}
        maxLength={500}
        aria-describedby="override-about"
        onInput={({ currentTarget }) => onChange(currentTarget.value)}
      />
      <p class="field-about" id="override-about">
        The reason is kept in the task and in the audit log.
      </p>
    </div>
  );
}

/** Stands in the bar of the button, which is always visible: an error further up may be scrolled out of view. */
function FormProblem({ problem, hasFieldErrors }: { problem: ProblemBody; hasFieldErrors: boolean }) {
  if (!hasFieldErrors) return <ProblemBox problem={problem} />;
  return (
    <p class="field-error" role="alert">
      {problem.title}. The fields above say what to change. <span class="mono">{problem.code}</span>
    </p>
  );
}

/** Starts the task and opens its page. After an error the first field with an error has the focus. */
function useStart(form: { readonly current: HTMLFormElement | null }, argumentsOf: () => StartArguments) {
  const problem = useSignal<ProblemBody | undefined>(undefined);
  const isSending = useSignal(false);
  const key = useSignal(newKey());
  const submit = async (): Promise<void> => {
    if (isSending.value) return;
    isSending.value = true;
    problem.value = undefined;
    try {
      const [pipeline, app, params, reason] = argumentsOf();
      const task = await start(pipeline, app, params, { key: key.value, reason });
      if (!task) return;
      put(v1.task(task.id), task);
      go(to.task(task.id));
    } catch (error) {
      problem.value = problemFrom(error);
      // Without a response it is unknown whether the request arrived: the same key then prevents a second task.
      if (problem.value.status !== 0) key.value = newKey();
      requestAnimationFrame(() =>
        form.current?.querySelector<HTMLElement>(".is-wrong :is(input, select, textarea)")?.focus(),
      );
    } finally {
      isSending.value = false;
    }
  };
  return {
    isSending: isSending.value,
    problem: problem.value,
    submit: (event: Event): void => {
      event.preventDefault();
      void submit();
    },
  };
}

type StartArguments = readonly [
  pipeline: string,
  app: string | undefined,
  params: ReturnType<typeof paramsOf>,
  reason: string,
];

/** The values that a list field offers: the app's targets, else those of the installation, else the default of the schema. */
function optionsOf(field: Field, record: AppView["record"] | undefined): readonly string[] {
  if (field.kind !== "list") return [];
  const targets = field.ui === "target" ? listAt(record, "targets").map((one) => textAt(one, "name") ?? "") : [];
  if (targets.length > 0) return targets;
  if (field.offers.length > 0) return field.offers;
  return field.isDecidedLater ? [] : listAt({ all: field.default }, "all").filter((one) => typeof one === "string");
}
