// The reason that a person gives with a decision; it is recorded in the history of the task.

import type { Signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

/** `note`: when it is needed. `isFirst`: what the person came for. `about`: where the reason is shown. */
type ReasonInputProps = {
  readonly id: string;
  readonly reason: Signal<string>;
  readonly note?: string;
  readonly isFirst?: boolean;
  readonly about?: string;
};

export function ReasonInput({ id, reason, note = "optional", isFirst = false, about }: ReasonInputProps) {
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (isFirst) input.current?.focus();
  }, [isFirst]);
  return (
    <>
      <label for={id}>
        Reason <span class="optional">{note}</span>
      </label>
      <input
        id={id}
        ref={input}
        type="text"
        maxLength={500}
        autoComplete="off"
        aria-describedby={about === undefined ? undefined : `${id}-about`}
        value={reason.value}
        onInput={({ currentTarget }) => {
          reason.value = currentTarget.value;
        }}
      />
      {about === undefined ? null : (
        <p class="field-about" id={`${id}-about`}>
          {about}
        </p>
      )}
    </>
  );
}
