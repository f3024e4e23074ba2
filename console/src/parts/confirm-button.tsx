// A button for what cannot be taken back by another click: it asks first.

import { useSignal } from "@preact/signals";
import { useKeptFocus } from "./kept-focus.ts";

/** `verb`: e.g. `Revoke`; `name`: of what. `no`: what takes the question back. `isDisabled`: while a request is sent. `why`: why the person may not. */
export function ConfirmButton(props: {
  verb: string;
  name: string;
  no?: string;
  isDisabled?: boolean;
  why?: string | undefined;
  onConfirm: () => void;
}) {
  const { verb, name, no = "Keep", isDisabled = false, why, onConfirm } = props;
  const isAsking = useSignal(false);
  const { around, keep } = useKeptFocus(isAsking.value);
  const ask = (value: boolean): void => {
    keep();
    isAsking.value = value;
  };
  const confirm = (): void => {
    ask(false);
    onConfirm();
  };
  return (
    <div class="as-one" ref={around}>
      {isAsking.value ? (
        <>
          <button type="button" class="button danger small" onClick={confirm}>
            {verb} {name}
          </button>{" "}
          <button type="button" class="button small" onClick={() => ask(false)}>
            {no}
          </button>
        </>
      ) : (
        <button
          type="button"
          class="button small"
          aria-label={`${verb} ${name}`}
          disabled={isDisabled}
          title={why}
          onClick={() => ask(true)}
        >
          {verb}
        </button>
      )}
    </div>
  );
}
