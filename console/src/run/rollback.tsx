// The button that rolls targets of an app back, and its dialog: what goes back to which build, what it waits for, and why.

import type { RollbackPlanView, RollbackTargetView } from "@gantry/wire/agent/deployments.ts";
import type { AppView, FeedEvent, TaskView } from "@gantry/wire/agent/views.ts";
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { newKey, send, to, v1 } from "../data/api.ts";
import { refusalOf } from "../data/session.ts";
import { put, useResource } from "../data/store.ts";
import { useAction } from "../data/use-action.ts";
import { go } from "../frame/router.ts";
import { ProblemBox } from "../parts/loading-states.tsx";
import { Prose } from "../parts/prose.tsx";
import { ReasonInput } from "../parts/reason-input.tsx";
import { Moment, RelativeTime } from "../parts/values.tsx";

type ButtonProps = {
  readonly app: string;
  /** Whose rights count. */
  readonly of: Pick<AppView, "may" | "mayNot"> | undefined;
  readonly targets: readonly string[];
  readonly label?: string;
  readonly isPrimary?: boolean;
};

export function RollbackButton({ app, of, targets, label = "Roll back", isPrimary = false }: ButtonProps) {
  const isOpen = useSignal(false);
  const refusal = refusalOf("run-cd", of);
  const setOpen = (value: boolean): void => {
    isOpen.value = value;
  };
  return (
    <>
      <button
        type="button"
        class={isPrimary ? "button primary" : "button"}
        disabled={refusal !== undefined}
        title={refusal ?? `Roll ${targets.join(", ")} back to the build that ran well before`}
        onClick={() => setOpen(true)}
      >
        {label}
      </button>
      {isOpen.value ? <RollbackDialog app={app} targets={targets} onClose={() => setOpen(false)} /> : null}
    </>
  );
}

/** The targets that a deployment which has failed can give back: where nothing else was deployed since, and a build is known to go back to. */
export function useTargetsToRollBack(task: TaskView): readonly string[] {
  const targets = Array.isArray(task.params.targets) ? task.params.targets.map(String) : undefined;
  const isAsked =
    task.action === "cd" && task.app !== undefined && ["failed", "errored", "timed-out"].includes(task.state);
  const path = isAsked ? v1.rollback(task.app ?? "", targets) : undefined;
  const plan = useResource<RollbackPlanView>(path, ofApp(task.app)).data.value;
  return (plan?.targets ?? []).flatMap(({ target, from, to }) => (from?.task === task.id && to ? [target] : []));
}

/** What is deployed changes when a task of the app ends. */
function ofApp(app: string | undefined) {
  return { reloadOn: ({ data }: FeedEvent): boolean => data.app === app && data.event.kind === "TaskEnded" };
}

type DialogProps = { readonly app: string; readonly targets: readonly string[]; readonly onClose: () => void };

function RollbackDialog({ app, targets, onClose }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const reason = useSignal("");
  const plan = useResource<RollbackPlanView>(v1.rollback(app, targets), ofApp(app));
  const starting = useAction();
  useEffect(() => dialog.current?.showModal(), []);
  const rows = plan.data.value?.targets ?? [];
  const groups = groupsOf(rows);
  const rollBack = (): void =>
    starting.run(async () => {
      const text = reason.value.trim();
      const tasks: TaskView[] = [];
      for (const group of groups) {
        const body = { targets: [...group], ...(text === "" ? {} : { reason: text }) };
        const task = await send<TaskView>("POST", v1.rollback(app), body, newKey());
        if (task) tasks.push(task);
      }
      const [first] = tasks;
      if (!first) return;
      put(v1.task(first.id), first);
      go(to.task(first.id));
    });
  const problem = starting.problem ?? plan.problem.value;
  return (
    <dialog class="box" ref={dialog} onClose={onClose} aria-label={`Roll ${app} back`}>
      <header>
        <h2>Roll {app} back</h2>
      </header>
      <div class="box-body">
        <ul class="rollback-plan" aria-label="What goes back">
          {rows.map((row) => (
            <TargetRow key={row.target} row={row} />
          ))}
        </ul>
        <div class="field">
          <ReasonInput
            id="rollback-reason"
            reason={reason}
            about="Stands in the commit, in the audit log, and beside the build, which CD does not choose by itself any more."
          />
        </div>
        {groups.length > 1 ? (
          <p class="soft">The targets go back to different builds, so there is one task for each build.</p>
        ) : null}
        {problem ? <ProblemBox problem={problem} /> : null}
        <div class="submit">
          <button
            type="button"
            class="button primary"
            disabled={starting.isSending || groups.length === 0}
            aria-busy={starting.isSending}
            onClick={rollBack}
          >
            Roll back
          </button>
          <button type="button" class="button" onClick={() => dialog.current?.close()}>
            Close
          </button>
        </div>
      </div>
    </dialog>
  );
}

/** The targets of each build, in the order in which they go back. */
function groupsOf(rows: readonly RollbackTargetView[]): readonly (readonly string[])[] {
  const able = rows.filter(({ to }) => to !== undefined);
  return [...Map.groupBy(able, ({ to }) => to?.number).values()].map((all) => all.map(({ target }) => target));
}

function TargetRow({ row }: { row: RollbackTargetView }) {
  const { target, from, to: back, problem } = row;
  return (
    <li>
      <p>
        <span class="strong">{target}</span>{" "}
        {back ? (
          <>
            <span class="soft">{from?.build === undefined ? "what is deployed" : `#${from.build}`} →</span>{" "}
            <span class="strong">#{back.number}</span> <span class="mono soft">{back.commit.slice(0, 7)}</span>{" "}
            {back.subject}
          </>
        ) : (
          <span class="soft">
            <Prose text={problem ?? "cannot be rolled back"} />
          </span>
        )}
      </p>
      {back ? (
        <p class="field-about">
          Ran well there <RelativeTime at={back.since} />. <Demands of={row} />
        </p>
      ) : null}
    </li>
  );
}

/** What people and the calendar of the environment have to say. */
export function Demands({ of: { environment, approval, closed } }: { of: Partial<RollbackTargetView> }) {
  const text = approval
    ? `Waits for ${approval.text}${environment === undefined ? "" : `, as ${environment} demands`}.`
    : "";
  return (
    <>
      {text === "" ? null : <span class="hue-amber">{text} </span>}
      {closed ? (
        <span class="hue-amber">
          <Prose text={closed.text} />
          {closed.opensAt === undefined ? null : (
            <>
              {" "}
              It waits until <Moment at={closed.opensAt} />.
            </>
          )}
        </span>
      ) : null}
    </>
  );
}
