// The page that adopts an app: a person names its repositories, Gantry looks at them, and its proposal is the form.

import type { AppProposal } from "@gantry/wire/agent/proposals.ts";
import type { SiteView } from "@gantry/wire/agent/sites/views.ts";
import { useSignal } from "@preact/signals";
import { lookForApp, type Page, v1 } from "../data/api.ts";
import { refusalOf } from "../data/session.ts";
import { useResource } from "../data/store.ts";
import { useAction } from "../data/use-action.ts";
import { Loaded, ProblemBox } from "../parts/loading-states.tsx";
import { PageHeader } from "../parts/page-layout.tsx";
import { FieldInput } from "../run/field.tsx";
import { type Entries, firstEntries } from "../run/form.ts";
import { appBody, appErrors } from "./app-fields.ts";
import { AppForm } from "./app-form.tsx";
import { lookBody, lookCommand, lookFields } from "./proposal-fields.ts";

export function AdoptPage() {
  const sites = useResource<Page<SiteView>>(v1.sites);
  const proposal = useSignal<AppProposal | undefined>(undefined);
  const isByHand = useSignal(false);
  const back = (): void => {
    proposal.value = undefined;
    isByHand.value = false;
  };
  const isForm = isByHand.value || proposal.value?.state === "ready";
  return (
    <>
      <PageHeader
        title="Adopt an app"
        note="Repositories and targets that exist become an app. Nothing outside changes."
      />
      <Loaded resource={sites}>
        {({ items }) =>
          isForm ? (
            <>
              <p>
                <button type="button" class="button" onClick={back}>
                  Look at another repository
                </button>
              </p>
              <AppForm sites={items} proposal={proposal.value} key={proposal.value?.id ?? "by-hand"} />
            </>
          ) : (
            <LookForm
              sites={items}
              onFound={(found) => {
                proposal.value = found;
              }}
              onByHand={() => {
                isByHand.value = true;
              }}
            />
          )
        }
      </Loaded>
    </>
  );
}

type LookProps = {
  readonly sites: readonly SiteView[];
  readonly onFound: (proposal: AppProposal) => void;
  readonly onByHand: () => void;
};

function LookForm({ sites, onFound, onByHand }: LookProps) {
  const fields = lookFields(sites);
  const entries = useSignal<Entries>(firstEntries(fields));
  const failed = useSignal<string | undefined>(undefined);
  const { isSending, problem, run } = useAction();
  const errors = appErrors(fields, problem?.errors ?? []);
  const refusal = refusalOf("create-app");
  const look = (): void =>
    run(async () => {
      failed.value = undefined;
      const proposal = await lookForApp(lookBody(appBody(fields, entries.value)));
      if (proposal.state === "failed") failed.value = proposal.problem ?? "Nothing could be proposed.";
      else onFound(proposal);
    });
  return (
    <form
      class="app-form"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        look();
      }}
    >
      <p>Gantry reads the repositories and the Argo CD of each site, and proposes the app. It writes nothing.</p>
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
      {problem ? <ProblemBox problem={problem} /> : null}
      {failed.value === undefined ? null : (
        <p class="field-error" role="alert">
          {failed.value}
        </p>
      )}
      <p class="soft">
        As a command: <code>{lookCommand(appBody(fields, entries.value))}</code>
      </p>
      {isSending ? <p role="status">Looking. This takes a few seconds.</p> : null}
      <div class="submit">
        <button type="button" class="button" disabled={isSending} onClick={onByHand}>
          Describe it by hand
        </button>
        <button
          type="submit"
          class="button primary"
          disabled={isSending || refusal !== undefined}
          aria-busy={isSending}
          title={refusal}
        >
          Look
        </button>
      </div>
    </form>
  );
}
