// Enrols a runner, or ends the key of one. Both return a command with a one-time token, which is shown once.

import { useSignal } from "@preact/signals";
import { type Enrolment, send, v1 } from "../../data/api.ts";
import { type Action, useAction } from "../../data/use-action.ts";
import { ConfirmButton } from "../../parts/confirm-button.tsx";
import { useKeptFocus } from "../../parts/kept-focus.ts";
import { Prose } from "../../parts/prose.tsx";
import { CopyButton } from "../../parts/values.tsx";

/** The button at a site, and then a form for the name of the runner. */
export function EnrolRunner({ site }: { site: string }) {
  const name = useSignal("");
  const isOpen = useSignal(false);
  const made = useSignal<Enrolment | undefined>(undefined);
  const action = useAction();
  const { around, keep } = useKeptFocus(isOpen.value);
  const submit = (event: Event): void => {
    event.preventDefault();
    keep();
    action.run(async () => {
      made.value = await send<Enrolment>("POST", v1.enrolments, { site, runner: name.value });
      isOpen.value = false;
    });
  };
  const open = (): void => {
    keep();
    made.value = undefined;
    isOpen.value = true;
  };
  return (
    <div class="as-one" ref={around}>
      {isOpen.value ? (
        <form class="inline" onSubmit={submit}>
          <label>
            Name of the runner
            <input
              type="text"
              required
              pattern="[a-z][a-z0-9\-]*"
              autoComplete="off"
              value={name.value}
              onInput={({ currentTarget }) => {
                name.value = currentTarget.value;
              }}
            />
          </label>
          <button type="submit" class="button primary" disabled={action.isSending}>
            Create the command
          </button>
          <button
            type="button"
            class="button"
            onClick={() => {
              keep();
              isOpen.value = false;
            }}
          >
            Close
          </button>
          <Refusal action={action} />
        </form>
      ) : (
        <>
          <button type="button" class="button small" aria-label={`Enrol a runner at ${site}`} onClick={open}>
            Enrol a runner
          </button>
          {made.value ? <Command enrolment={made.value} /> : null}
        </>
      )}
    </div>
  );
}

/** For a key that may have been stolen. */
export function RenewKey({ name }: { name: string }) {
  const made = useSignal<Enrolment | undefined>(undefined);
  const action = useAction();
  const renew = (): void =>
    action.run(async () => {
      made.value = await send<Enrolment>("POST", v1.renewKey(name), {});
    });
  return (
    <>
      <ConfirmButton verb="Renew key" name={name} isDisabled={action.isSending} onConfirm={renew} />
      {made.value ? <Command enrolment={made.value} /> : null}
      <Refusal action={action} />
    </>
  );
}

function Command({ enrolment: { runner, expiresAt, command } }: { enrolment: Enrolment }) {
  return (
    <div class="fresh" role="status">
      <p>
        Start <strong>{runner}</strong> with this command before {expiresAt.slice(11, 16)} UTC. It is shown only now and
        works once.
      </p>
      <p>
        <code>{command}</code> <CopyButton text={command} what="Copy command" />
      </p>
    </div>
  );
}

function Refusal({ action: { problem } }: { action: Action }) {
  return problem === undefined ? null : (
    <p class="problem" role="alert">
      {problem.title} <Prose text={problem.detail ?? ""} />
    </p>
  );
}
