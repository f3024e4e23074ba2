// What an operator does with one runner: drain it, stop its process, and read its own log.

import type { RunnerLog } from "@gantry/wire/agent/sites/runners.ts";
import type { RunnerView } from "@gantry/wire/agent/sites/views.ts";
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { read, send, v1 } from "../../data/api.ts";
import { useAction } from "../../data/use-action.ts";
import { count } from "../../parts/format.ts";
import { ProblemBox } from "../../parts/loading-states.tsx";
import { Prose } from "../../parts/prose.tsx";
import { ReasonInput } from "../../parts/reason-input.tsx";
import { RelativeTime } from "../../parts/values.tsx";

type Props = { runner: RunnerView; onChanged: () => void };

export function OperateRunner({ runner, onChanged }: Props) {
  const { name, asked } = runner;
  const opened = useSignal<"drain" | "stop" | "log" | undefined>(undefined);
  const undrain = useAction();
  const close = (): void => {
    opened.value = undefined;
  };
  const button = (what: "drain" | "stop" | "log", text: string) => (
    <button
      type="button"
      class="button small"
      aria-label={`${text} ${name}`}
      onClick={() => {
        opened.value = what;
      }}
    >
      {text}
    </button>
  );
  const takeBack = (): void =>
    undrain.run(async () => {
      await send("POST", v1.undrainRunner(name), {});
      onChanged();
    });
  return (
    <>
      {button("log", "Log")} {asked === undefined ? button("drain", "Drain") : null}
      {asked?.to === "drain" ? (
        <button
          type="button"
          class="button small"
          aria-label={`Undrain ${name}`}
          disabled={undrain.isSending}
          onClick={takeBack}
        >
          Undrain
        </button>
      ) : null}{" "}
      {asked?.to === "stop-now" ? null : button("stop", "Stop")}
      {undrain.problem ? <ProblemBox problem={undrain.problem} /> : null}
      {opened.value === "log" ? <LogDialog name={name} onClose={close} /> : null}
      {opened.value === "drain" ? <DrainDialog runner={runner} onChanged={onChanged} onClose={close} /> : null}
      {opened.value === "stop" ? <StopDialog runner={runner} onChanged={onChanged} onClose={close} /> : null}
    </>
  );
}

/** In the row of the runner: since when, by whom and why it takes no new jobs. */
export function Asked({ runner: { asked, busy } }: { runner: RunnerView }) {
  if (asked === undefined) return null;
  const left = busy > 0 ? `, ${count(busy, "job")} left` : "";
  return (
    <div class="hue-amber">
      {asked.state} since <RelativeTime at={asked.at} /> by {asked.by}
      {left}: <Prose text={asked.reason} />
    </div>
  );
}

type DialogProps = Props & { onClose: () => void };

function DrainDialog({ runner: { name }, onChanged, onClose }: DialogProps) {
  const asking = useAsking(onChanged);
  const drain = (): void => asking.ask(v1.drainRunner(name), {});
  return (
    <Dialog title={`Drain ${name}`} onClose={onClose} asking={asking}>
      <p>It takes no new jobs, also after a restart, until it is undrained. Its running jobs go on.</p>
      <ReasonField asking={asking} />
      <button type="button" class="button primary" disabled={asking.isDisabled} onClick={drain}>
        Drain {name}
      </button>
    </Dialog>
  );
}

function StopDialog({ runner: { name, busy, asked }, onChanged, onClose }: DialogProps) {
  const asking = useAsking(onChanged);
  const stop = (now: boolean): void => asking.ask(v1.stopRunner(name), { now });
  return (
    <Dialog title={`Stop ${name}`} onClose={onClose} asking={asking}>
      <p>
        It takes no new jobs, and its process ends. Its supervisor may start it again. It now runs {count(busy, "job")}.
      </p>
      <ReasonField asking={asking} />
      {asked?.to === "stop" ? null : (
        <button type="button" class="button primary" disabled={asking.isDisabled} onClick={() => stop(false)}>
          Stop {name} after its jobs
        </button>
      )}{" "}
      <button type="button" class="button danger" disabled={asking.isDisabled} onClick={() => stop(true)}>
        Interrupt its jobs and stop {name}
      </button>
    </Dialog>
  );
}

type Asking = ReturnType<typeof useAsking>;

/** The reason of a request, and the request. */
function useAsking(onChanged: () => void) {
  const reason = useSignal("");
  const dialog = useRef<HTMLDialogElement>(null);
  const { isSending, problem, run } = useAction();
  const why = reason.value.trim();
  const ask = (address: string, more: { now?: boolean }): void =>
    run(async () => {
      await send("POST", address, { reason: why, ...more });
      dialog.current?.close();
      onChanged();
    });
  return { reason, dialog, problem, isDisabled: isSending || why === "", ask };
}

function ReasonField({ asking: { reason } }: { asking: Asking }) {
  return (
    <div class="field">
      <ReasonInput id="runner-reason" reason={reason} note="needed, for others" isFirst />
    </div>
  );
}

type BoxProps = {
  title: string;
  onClose: () => void;
  asking: Pick<Asking, "dialog" | "problem">;
  children: ComponentChildren;
};

function Dialog({ title, onClose, asking: { dialog, problem }, children }: BoxProps) {
  useEffect(() => dialog.current?.showModal(), [dialog]);
  return (
    <dialog class="box" ref={dialog} onClose={onClose} aria-label={title}>
      <header>
        <h2>{title}</h2>
      </header>
      <div class="box-body">
        {children}
        {problem ? <ProblemBox problem={problem} /> : null}
        <div class="submit">
          <button type="button" class="button" onClick={() => dialog.current?.close()}>
            Close
          </button>
        </div>
      </div>
    </dialog>
  );
}

/** The runner is asked when the dialog opens, which may take some seconds. */
function LogDialog({ name, onClose }: { name: string; onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const log = useSignal<RunnerLog | undefined>(undefined);
  const { problem, run } = useAction();
  const load = (from: RunnerLog["from"]): void =>
    run(async () => {
      log.value = await read<RunnerLog>(v1.runnerLog(name, from));
    });
  useEffect(() => load("latest"), []);
  return (
    <Dialog title={`Log of ${name}`} onClose={onClose} asking={{ dialog, problem }}>
      <p>
        <button type="button" class="button small" onClick={() => load("latest")}>
          Newest lines
        </button>{" "}
        <button type="button" class="button small" onClick={() => load("oldest")}>
          Oldest lines
        </button>
      </p>
      {log.value === undefined ? (
        <p class="soft">{problem ? null : "The runner is asked for its log."}</p>
      ) : (
        <>
          <p class="soft">
            {log.value.lines.length} of {count(log.value.held, "line")} that it keeps
          </p>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it */}
          <pre class="m-code" tabIndex={0}>
            {log.value.lines.join("\n")}
          </pre>
        </>
      )}
    </Dialog>
  );
}
