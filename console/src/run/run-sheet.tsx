// The sheet of a button: the form left; right what will happen and the same as a command.

import type { ProblemBody } from "@gantry/runtime/http/problem.ts";
import type { AppView, PipelineView } from "@gantry/wire/agent/views.ts";
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { newKey, problemFrom, start, startCall, to, v1 } from "../data/api.ts";
import { listAt, textAt } from "../data/json-access.ts";
import { put, useResource } from "../data/store.ts";
import { go, withQuery } from "../frame/router.ts";
import { shellWord } from "../parts/format.ts";
import { Icon } from "../parts/icon.tsx";
import { Loaded, ProblemBox } from "../parts/loading-states.tsx";
import { CopyButton } from "../parts/values.tsx";
import { FieldInput } from "./field.tsx";
import { type Entries, errorsByField, type Field, fieldsOf, firstEntries, paramsOf } from "./form.ts";
import { PipelineOutline } from "./pipeline-outline.tsx";

export function RunSheet({ pipeline, app }: { pipeline: string; app: string | undefined }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const resource = useResource<PipelineView>(v1.pipeline(pipeline));
  const owner = useResource<AppView>(app === undefined ? undefined : v1.app(app));
  useEffect(() => dialog.current?.showModal(), []);
  const isReady = resource.data.value !== undefined;
  useEffect(() => {
    dialog.current?.querySelector<HTMLElement>("form input, form select, form textarea")?.focus();
  }, [isReady]);
  const close = (): void => go(withQuery({ run: undefined, for: undefined }), { replace: true });
  const title = resource.data.value?.button ?? "Run";
  return (
    <dialog class="sheet" ref={dialog} onClose={close} aria-label={title}>
      <header>
        <h2>
          {title}
          {app === undefined ? null : <span class="soft"> · {app}</span>}
        </h2>
        <button type="button" class="icon-button" aria-label="Close" onClick={() => dialog.current?.close()}>
          <Icon name="close" />
        </button>
      </header>
      <Loaded resource={resource}>
        {(view) => <RunForm pipeline={view} app={app} record={owner.data.value?.record} key={view.version} />}
      </Loaded>
    </dialog>
  );
}

function RunForm(props: { pipeline: PipelineView; app: string | undefined; record: AppView["record"] | undefined }) {
  const { pipeline, app } = props;
  const fields = fieldsOf(pipeline.params);
  const entries = useSignal<Entries>(firstEntries(fields));
  const problem = useSignal<ProblemBody | undefined>(undefined);
  const isSending = useSignal(false);
  const form = useRef<HTMLFormElement>(null);
  const key = useSignal(newKey());
  const params = paramsOf(fields, entries.value);

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (isSending.value) return;
    isSending.value = true;
    problem.value = undefined;
    try {
      const task = await start(pipeline.name, app, params, key.value);
      if (!task) return;
      put(v1.task(task.id), task);
      go(to.task(task.id));
    } catch (error) {
      problem.value = problemFrom(error);
      // The same key again only where it is unknown whether the wish arrived.
      if (problem.value.status !== 0) key.value = newKey();
      requestAnimationFrame(() =>
        form.current?.querySelector<HTMLElement>(".is-wrong :is(input, select, textarea)")?.focus(),
      );
    } finally {
      isSending.value = false;
    }
  };

  const errors = errorsByField(fields, problem.value?.errors ?? []);
  const hasFieldErrors = fields.some(({ name }) => errors[name] !== undefined);
  return (
    <div class="sheet-body">
      <form ref={form} onSubmit={(event) => void submit(event)} noValidate>
        <p class="soft">{pipeline.summary}</p>
        {fields.map((field) => (
          <FieldInput
            key={field.name}
            field={field}
            options={optionsOf(field, props.record)}
            errors={errors[field.name] ?? []}
            value={entries.value[field.name] ?? ""}
            onChange={(value) => {
              entries.value = { ...entries.value, [field.name]: value };
            }}
          />
        ))}
        {problem.value && !hasFieldErrors ? <ProblemBox problem={problem.value} /> : null}
        {hasFieldErrors ? (
          <p class="field-error" role="alert">
            {problem.value?.title}. The fields above say what to change. <span class="mono">{problem.value?.code}</span>
          </p>
        ) : null}
        <div class="submit">
          <button type="submit" class="button primary" disabled={isSending.value} aria-busy={isSending.value}>
            {isSending.value ? "Sending" : pipeline.button}
          </button>
        </div>
      </form>
      <aside>
        <h3>What will happen</h3>
        <PipelineOutline pipeline={pipeline} />
        <Command pipeline={pipeline.name} app={app} params={params} />
      </aside>
    </div>
  );
}

function Command(props: { pipeline: string; app: string | undefined; params: ReturnType<typeof paramsOf> }) {
  const { path, body } = startCall(props.pipeline, props.app, props.params);
  const text = [
    `curl -sS -X POST ${shellWord(location.origin + path)}`,
    `  -H "Authorization: Bearer $GANTRY_TOKEN"`,
    `  -H "Idempotency-Key: $(uuidgen)"`,
    `  -H 'Content-Type: application/json'`,
    `  -d ${shellWord(JSON.stringify(body))}`,
  ].join(" \\\n");
  return (
    <>
      <h3>
        The same as a command
        <CopyButton text={text} what="Copy command" />
      </h3>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it */}
      <pre class="command" tabIndex={0}>
        {text}
      </pre>
    </>
  );
}

/** What a list can be chosen from: the app's targets, else what the schema gives as its default. */
function optionsOf(field: Field, record: AppView["record"] | undefined): readonly string[] {
  if (field.kind !== "list") return [];
  const targets = field.ui === "target" ? listAt(record, "targets").map((one) => textAt(one, "name") ?? "") : [];
  if (targets.length > 0) return targets;
  return field.isDecidedLater ? [] : listAt({ all: field.fallback }, "all").filter((one) => typeof one === "string");
}
