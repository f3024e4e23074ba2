// The form that changes the password of a local account. All sessions end, so the person signs in again afterwards.

import { useSignal } from "@preact/signals";
import { send, v1 } from "../../data/api.ts";
import { useAction } from "../../data/use-action.ts";
import { ProblemBox } from "../../parts/loading-states.tsx";
import { Section } from "../../parts/page-layout.tsx";

export function PasswordForm() {
  const old = useSignal("");
  const next = useSignal("");
  const { isSending, problem, run } = useAction();
  const submit = (event: Event): void => {
    event.preventDefault();
    run(async () => {
      await send("POST", v1.password, { old: old.value, new: next.value });
      location.assign("/sign-in?next=%2Fprofile");
    });
  };
  return (
    <Section title="Password">
      <p class="quiet">Changing it ends all your sessions, also this one.</p>
      {problem ? <ProblemBox problem={problem} /> : null}
      <form class="inline" onSubmit={submit}>
        <label>
          Present password
          <input
            type="password"
            required
            autoComplete="current-password"
            value={old.value}
            onInput={({ currentTarget }) => {
              old.value = currentTarget.value;
            }}
          />
        </label>
        <label>
          New password
          <input
            type="password"
            required
            minLength={12}
            autoComplete="new-password"
            value={next.value}
            onInput={({ currentTarget }) => {
              next.value = currentTarget.value;
            }}
          />
        </label>
        <button type="submit" class="button" disabled={isSending}>
          Change password
        </button>
      </form>
    </Section>
  );
}
