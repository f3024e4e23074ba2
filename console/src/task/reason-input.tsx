// The optional reason that a person gives with a decision; it is recorded in the history of the task.

import type { Signal } from "@preact/signals";

export function ReasonInput({ id, reason }: { id: string; reason: Signal<string> }) {
  return (
    <>
      <label for={id}>
        Reason <span class="optional">optional</span>
      </label>
      <input
        id={id}
        type="text"
        maxLength={500}
        autoComplete="off"
        value={reason.value}
        onInput={({ currentTarget }) => {
          reason.value = currentTarget.value;
        }}
      />
    </>
  );
}
