// Whether something is paused: by whom, why and until when. Whoever may, pauses and resumes it here.

import type { JsonObject } from "@gantry/core/json.ts";
import type { PauseView } from "@gantry/wire/agent/pauses.ts";
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { type Page, send, v1 } from "../../data/api.ts";
import { useResource } from "../../data/store.ts";
import { useAction } from "../../data/use-action.ts";
import { usePolling } from "../../data/use-polling.ts";
import { useKeptFocus } from "../../parts/kept-focus.ts";
import { ProblemBox } from "../../parts/loading-states.tsx";
import { Moment, RelativeTime } from "../../parts/values.tsx";

const ADDRESSES = {
  app: { pause: v1.pauseApp, resume: v1.resumeApp },
  pipeline: { pause: v1.pausePipeline, resume: v1.resumePipeline },
  site: { pause: v1.pauseSite, resume: v1.resumeSite },
};

type Props = { of: keyof typeof ADDRESSES; name: string; mayPause: boolean };

/** `mayPause`: whether the caller has the right. Without it, only a pause is shown. */
export function Pause({ of, name, mayPause }: Props) {
  const pauses = useResource<Page<PauseView>>(v1.pauses);
  usePolling(10_000, pauses.reload);
  const action = useAction();
  const isOpen = useSignal(false);
  const found = pauses.data.value?.items.find((one) => one.of === of && one.name === name);
  const { around, keep } = useKeptFocus(found ? "paused" : isOpen.value);
  const change = (verb: "pause" | "resume", body: JsonObject): void => {
    keep();
    action.run(async () => {
      await send("POST", ADDRESSES[of][verb](name), body);
      pauses.reload();
    });
  };
  const open = (value: boolean): void => {
    keep();
    isOpen.value = value;
  };
  // The form stays until the pause is there, so that a refused reason need not be typed again.
  useEffect(() => {
    if (found) isOpen.value = false;
  }, [found, isOpen]);
  if (!found && !mayPause) return null;
  return (
    <div class="pause" ref={around}>
      {action.problem ? <ProblemBox problem={action.problem} /> : null}
      {found ? <Paused pause={found} /> : null}
      {mayPause && found ? (
        <button
          type="button"
          class="button small"
          aria-label={`Resume ${name}`}
          disabled={action.isSending}
          onClick={() => change("resume", {})}
        >
          Resume
        </button>
      ) : null}
      {mayPause && !found && isOpen.value ? (
        <PauseForm name={name} isSending={action.isSending} onPause={change} onClose={() => open(false)} />
      ) : null}
      {mayPause && !found && !isOpen.value ? (
        <button type="button" class="button small" aria-label={`Pause ${name}`} onClick={() => open(true)}>
          Pause
        </button>
      ) : null}
    </div>
  );
}

function Paused({ pause: { by, at, reason, until } }: { pause: PauseView }) {
  return (
    <p class="hue-amber" role="status">
      Paused by {by} <RelativeTime at={at} />
      {until === undefined ? null : (
        <>
          , until <Moment at={until} />
        </>
      )}
      : {reason}. Jobs that run go on, and others wait.
    </p>
  );
}

const LENGTHS = [
  ["", "until it is resumed"],
  ["1", "for 1 hour"],
  ["4", "for 4 hours"],
  ["24", "for 1 day"],
  ["168", "for 7 days"],
] as const;
const HOUR_MS = 3_600_000;

type PauseFormProps = {
  name: string;
  isSending: boolean;
  onPause: (verb: "pause", body: JsonObject) => void;
  onClose: () => void;
};

function PauseForm({ name, isSending, onPause, onClose }: PauseFormProps) {
  const reason = useSignal("");
  const hours = useSignal("");
  const submit = (event: Event): void => {
    event.preventDefault();
    const asked = { reason: reason.value };
    const until = new Date(Date.now() + Number(hours.value) * HOUR_MS).toISOString();
    onPause("pause", hours.value === "" ? asked : { ...asked, until });
  };
  return (
    <form class="inline" onSubmit={submit}>
      <label>
        Why
        <input
          type="text"
          required
          maxLength={500}
          autoComplete="off"
          value={reason.value}
          onInput={({ currentTarget }) => {
            reason.value = currentTarget.value;
          }}
        />
      </label>
      <label>
        How long
        <select
          value={hours.value}
          onChange={({ currentTarget }) => {
            hours.value = currentTarget.value;
          }}
        >
          {LENGTHS.map(([value, text]) => (
            <option key={value} value={value}>
              {text}
            </option>
          ))}
        </select>
      </label>
      <button type="submit" class="button primary" disabled={isSending}>
        Pause {name}
      </button>
      <button type="button" class="button" onClick={onClose}>
        Close
      </button>
    </form>
  );
}
