// The reason that a person gives with a decision; it is recorded in the history of the task.

import type { Signal } from "@preact/signals";

/** `note`: when it is needed. */
export function ReasonInput({ id, reason, note = "optional" }: { id: string; reason: Signal<string>; note?: string }) {
  return (
    <>
      <label for={id}>
        Reason <span class="optional">{note}</span>
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
