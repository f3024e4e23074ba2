// The form of an app, and the page that changes one.

import type { ProblemBody } from "@gantry/runtime/http/problem.ts";
import type { AppProposal } from "@gantry/wire/agent/proposals.ts";
import type { SiteView } from "@gantry/wire/agent/sites/views.ts";
import type { AppView } from "@gantry/wire/agent/views.ts";
import { useSignal } from "@preact/signals";
import { adoptApp, type Page, patchApp, type SavedApp, to, v1 } from "../data/api.ts";
import { refusalOf } from "../data/session.ts";
import { put, useResource } from "../data/store.ts";
import { useAction } from "../data/use-action.ts";
import { go } from "../frame/router.ts";
import { Loaded, ProblemBox } from "../parts/loading-states.tsx";
import { PageHeader } from "../parts/page-layout.tsx";
import { Undeclared } from "../parts/undeclared.tsx";
import { FieldInput } from "../run/field.tsx";
import { type Entries, firstEntries } from "../run/form.ts";
import { appBody, appErrors, appFields, entriesOf } from "./app-fields.ts";
import { type Decision, decisionsOf, foundNotes, proposedEntries } from "./proposal-fields.ts";

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

type FormProps = {
  readonly sites: readonly SiteView[];
  /** To change it. Without it, a new one is adopted. */
  readonly app?: AppView;
  /** What Gantry has found by looking. */
  readonly proposal?: AppProposal | undefined;
};

export function AppForm({ sites, app, proposal }: FormProps) {
  const fields = appFields(sites, app === undefined);
  const first = proposal ? proposedEntries(fields, proposal) : firstEntries(fields);
  const entries = useSignal<Entries>(app ? entriesOf(fields, app) : first);
  const notes = proposal ? foundNotes(fields, proposal) : {};
  const checked = useSignal<SavedApp | undefined>(undefined);
  const { isSending, problem, run } = useAction();
  const errors = appErrors(fields, problem?.errors ?? []);
  const refusal = refusalOf(app ? "change-app" : "create-app", app);
  const save = (dryRun: boolean): void =>
    run(async () => {
      checked.value = undefined;
      const { name = "", ...rest } = appBody(fields, entries.value, app);
      const saved = app
        ? await patchApp(app.name, { ...rest }, app.revision, dryRun)
        : await adoptApp(String(name), rest, dryRun);
      if (dryRun) checked.value = saved;
      else {
        put(v1.app(saved.app.name), saved.app);
        go(to.app(saved.app.name));
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
      {proposal ? (
        <Decisions
          proposal={proposal}
          decisions={decisionsOf(fields, proposal)}
          onChoose={(choose) => {
            entries.value = choose(entries.value);
          }}
        />
      ) : null}
      {fields.map((one) => (
        <FieldInput
          key={one.name}
          field={{ ...one, description: [one.description, notes[one.name]].filter(Boolean).join(" ") }}
          options={[]}
          errors={errors[one.name] ?? []}
          value={entries.value[one.name] ?? ""}
          onChange={(value) => {
            entries.value = { ...entries.value, [one.name]: value };
          }}
        />
      ))}
      {problem ? <Refused problem={problem} isInFields={Object.keys(errors).some((name) => name !== "")} /> : null}
      {checked.value ? (
        <p role="status">
          The app fits. Nothing is written yet. Its repositories are not asked: <code>gantry doctor</code> tests them
          once it is adopted.
        </p>
      ) : null}
      <Undeclared environments={checked.value?.app.undeclared ?? []} />
      <SharedFiles files={checked.value?.shared ?? []} />
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

function SharedFiles({ files }: { files: NonNullable<SavedApp["shared"]> }) {
  return (
    <>
      {files.map(({ target, words, other }) => (
        <p role="status" key={`${target} ${words} ${other}`}>
          The target {target} writes {words}, and so does {other === undefined ? "another app" : `the app ${other}`}: a
          CD of one changes the file of the other. If that is meant, write <code>"shared": true</code> into the target.
        </p>
      ))}
    </>
  );
}

type DecisionsProps = {
  readonly proposal: AppProposal;
  readonly decisions: readonly Decision[];
  readonly onChoose: (choose: (now: Entries) => Entries) => void;
};

const KINDS = { missing: "Missing", unclear: "Unclear", optional: "Can be added" } as const;

function Decisions({ proposal: { warnings }, decisions, onChoose }: DecisionsProps) {
  return (
    <section class="decisions" aria-label="To decide">
      {decisions.length === 0 ? <p role="status">Everything was found. Read it, then adopt the app.</p> : null}
      {decisions.map(({ kind, title, problem, options }) => (
        <div class="field" key={`${kind} ${problem}`}>
          <p>
            <strong>
              {KINDS[kind]}: {title}
            </strong>
            . {problem}
          </p>
          {options.length > 0 ? (
            <p class="add">
              {options.map(({ text, entries }) => (
                <button type="button" class="button" key={text} onClick={() => onChoose(entries)}>
                  {kind === "optional" ? `Add ${text}` : text}
                </button>
              ))}
            </p>
          ) : null}
        </div>
      ))}
      {warnings.map((one) => (
        <p class="soft" key={one}>
          {one}
        </p>
      ))}
    </section>
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
