// The pages that adopt an app and change one.

import type { ProblemBody } from "@gantry/runtime/http/problem.ts";
import type { AppView, SiteView } from "@gantry/wire/agent/views.ts";
import { useSignal } from "@preact/signals";
import { adoptApp, type Page, patchApp, to, v1 } from "../data/api.ts";
import { refusalOf } from "../data/session.ts";
import { put, useResource } from "../data/store.ts";
import { useAction } from "../data/use-action.ts";
import { go } from "../frame/router.ts";
import { Loaded, ProblemBox } from "../parts/loading-states.tsx";
import { PageHeader } from "../parts/page-layout.tsx";
import { FieldInput } from "../run/field.tsx";
import { type Entries, firstEntries } from "../run/form.ts";
import { appBody, appErrors, appFields, entriesOf } from "./app-fields.ts";

export function AdoptPage() {
  const sites = useResource<Page<SiteView>>(v1.sites);
  return (
    <>
      <PageHeader
        title="Adopt an app"
        note="Repositories and targets that exist become an app. Nothing outside changes."
      />
      <Loaded resource={sites}>{({ items }) => <AppForm sites={items} />}</Loaded>
    </>
  );
}

export function ChangeAppPage({ name }: { name: string }) {
  const sites = useResource<Page<SiteView>>(v1.sites);
  const app = useResource<AppView>(v1.app(name));
  return (
    <>
      <PageHeader title={`Change ${name}`} note="Running tasks continue with the old version of the app." />
      <Loaded resource={app}>
        {(view) => (
          <Loaded resource={sites}>{({ items }) => <AppForm sites={items} app={view} key={view.revision} />}</Loaded>
        )}
      </Loaded>
    </>
  );
}

function AppForm({ sites, app }: { sites: readonly SiteView[]; app?: AppView }) {
  const fields = appFields(sites, app === undefined);
  const entries = useSignal<Entries>(app ? entriesOf(fields, app) : firstEntries(fields));
  const isChecked = useSignal(false);
  const { isSending, problem, run } = useAction();
  const errors = appErrors(fields, problem?.errors ?? []);
  const refusal = refusalOf(app ? "change-app" : "create-app", app);
  const save = (dryRun: boolean): void =>
    run(async () => {
      isChecked.value = false;
      const { name = "", ...rest } = appBody(fields, entries.value, app);
      const saved = app
        ? await patchApp(app.name, { ...rest }, app.revision, dryRun)
        : await adoptApp(String(name), rest, dryRun);
      if (dryRun) isChecked.value = true;
      else {
        put(v1.app(saved.name), saved);
        go(to.app(saved.name));
      }
    });
  return (
    <form
      class="app-form"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        save(false);
      }}
    >
      {fields.map((one) => (
        <FieldInput
          key={one.name}
          field={one}
          options={[]}
          errors={errors[one.name] ?? []}
          value={entries.value[one.name] ?? ""}
          onChange={(value) => {
            entries.value = { ...entries.value, [one.name]: value };
          }}
        />
      ))}
      {problem ? <Refused problem={problem} isInFields={Object.keys(errors).some((name) => name !== "")} /> : null}
      {isChecked.value ? (
        <p role="status">
          The app fits. Nothing is written yet. Its repositories and clusters are not asked: <code>gantry doctor</code>{" "}
          tests them once it is adopted.
        </p>
      ) : null}
      <div class="submit">
        <button type="button" class="button" disabled={isSending || refusal !== undefined} onClick={() => save(true)}>
          Check
        </button>
        <button
          type="submit"
          class="button primary"
          disabled={isSending || refusal !== undefined}
          aria-busy={isSending}
          title={refusal}
        >
          {app ? "Save" : "Adopt app"}
        </button>
      </div>
    </form>
  );
}

function Refused({ problem, isInFields }: { problem: ProblemBody; isInFields: boolean }) {
  if (!isInFields) return <ProblemBox problem={problem} />;
  return (
    <p class="field-error" role="alert">
      {problem.title} The fields above say what to change. <span class="mono">{problem.code}</span>
    </p>
  );
}
