// In the form of create-app: what is known of templates, and what the chosen one asks for.

import type { TemplatesView } from "@gantry/wire/agent/templates.ts";
import type { TaskView } from "@gantry/wire/agent/views.ts";
import { send, to, v1 } from "../data/api.ts";
import { mayDo } from "../data/session.ts";
import { type Resource, useResource } from "../data/store.ts";
import { useAction } from "../data/use-action.ts";
import { ProblemBox } from "../parts/loading-states.tsx";
import { Prose } from "../parts/prose.tsx";
import { RelativeTime } from "../parts/values.tsx";
import { FieldInput } from "./field.tsx";
import type { Field } from "./form.ts";
import { templateEntries, templateFields, usableTemplates, withEntry } from "./template-params.ts";

function useTemplates(): Resource<TemplatesView> {
  return useResource<TemplatesView>(v1.templates, {
    reloadOn: ({ data, type }) => data.pipeline === "templates-sync" && type === "dev.gantry.task.ended.v1",
  });
}

/** Below the field of the template: what the chosen one is for, how old the list is, and what to do when it is empty. */
export function TemplateNote({ chosen }: { chosen: string }) {
  const templates = useTemplates();
  const view = templates.data.value;
  const { isSending, problem, run } = useAction();
  if (view === undefined) return null;
  const usable = usableTemplates(view);
  const mayManage = mayDo("manage-settings");
  const ask = (address: string): void =>
    run(async () => {
      await send<TaskView>("POST", address, {});
      templates.reload();
    });
  const isBusy = isSending || view.task?.state === "running";
  const summary = usable.find(({ name }) => name === chosen)?.summary ?? "";
  return (
    <div class="field template-note">
      {summary === "" ? null : (
        <p class="field-about">
          <Prose text={summary} />
        </p>
      )}
      {usable.length === 0 ? (
        <p class="field-about">
          {view.read === undefined
            ? "No templates have been read yet."
            : `There are no templates in ${view.read.project} yet.`}{" "}
          {mayManage ? null : "An administrator can push those that ship with Gantry: gantry templates push"}
        </p>
      ) : null}
      <p class="facts-line soft">
        {view.read === undefined ? null : (
          <span>
            Read <RelativeTime at={view.read.at} />
          </span>
        )}
        {view.task?.state === "running" ? <a href={to.task(view.task.id)}>being read now</a> : null}
        {mayManage && usable.length === 0 ? (
          <button type="button" class="button small" disabled={isBusy} onClick={() => ask(v1.pushTemplates)}>
            Push the templates that ship
          </button>
        ) : null}
        {mayManage ? (
          <button type="button" class="button small" disabled={isBusy} onClick={() => ask(v1.readTemplates)}>
            Read now
          </button>
        ) : null}
      </p>
      {view.task?.state === "failed" ? (
        <p class="field-error">
          <Prose text={view.task.problem ?? ""} />
        </p>
      ) : null}
      {problem ? <ProblemBox problem={problem} /> : null}
    </div>
  );
}

type ParamsProps = {
  /** The field of create-app that takes them. */
  readonly field: Field;
  readonly template: string;
  readonly value: readonly string[];
  readonly errors: readonly string[];
  readonly onChange: (value: readonly string[]) => void;
};

/** One field for each param of the chosen template; of one that is not known, the plain list. */
export function TemplateParams({ field, template, value, errors, onChange }: ParamsProps) {
  const found = usableTemplates(useTemplates().data.value).find(({ name }) => name === template);
  if (!found)
    return (
      <FieldInput
        field={field}
        options={[]}
        errors={errors}
        value={value}
        onChange={(next) => onChange(listOf(next))}
      />
    );
  const fields = templateFields(found);
  const entries = templateEntries(fields, value);
  return (
    <>
      {fields.map((one) => (
        <FieldInput
          key={one.name}
          field={{ ...one, name: `template-${one.name}` }}
          options={[]}
          errors={[]}
          value={entries[one.name] ?? ""}
          onChange={(next) => onChange(withEntry(fields, value, one.name, typeof next === "string" ? next : ""))}
        />
      ))}
      {errors.map((error) => (
        <p class="field-error" key={error}>
          {error}
        </p>
      ))}
    </>
  );
}

function listOf(value: string | readonly string[]): readonly string[] {
  return typeof value === "string" ? [] : value;
}
