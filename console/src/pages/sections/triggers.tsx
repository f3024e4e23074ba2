// What starts pipelines by itself: of one app, or of all that the caller may see. Schedules with their next time.

import type { TriggerView } from "@gantry/wire/agent/triggers/triggers.ts";
import { newKey, type Page, send, to, v1 } from "../../data/api.ts";
import { now } from "../../data/clock.ts";
import { useResource } from "../../data/store.ts";
import { type Action, useAction } from "../../data/use-action.ts";
import { ActionTable } from "../../parts/action-table.tsx";
import { ConfirmButton } from "../../parts/confirm-button.tsx";
import { exact, until } from "../../parts/format.ts";
import { Loaded, ProblemBox } from "../../parts/loading-states.tsx";
import { Section } from "../../parts/page-layout.tsx";
import { Prose } from "../../parts/prose.tsx";
import { RelativeTime } from "../../parts/values.tsx";

/** `whyNot`: why this person may not pause, resume or run it. */
type SeenTrigger = TriggerView & { readonly whyNot?: string };

/** `key`: the Idempotency-Key, where a task is started. */
type Change = (address: string, key?: string) => void;

export function Triggers({ app }: { app?: string }) {
  const path = v1.triggers({ app });
  const triggers = useResource<Page<SeenTrigger>>(path, {
    reloadOn: ({ data }) => data.event.kind === "TaskRequested" && (app === undefined || data.app === app),
  });
  const action = useAction();
  const change: Change = (address, key) =>
    action.run(async () => {
      await send("POST", address, {}, key);
      triggers.reload();
    });
  return (
    <Section title="Triggers">
      {action.problem ? <ProblemBox problem={action.problem} /> : null}
      <Loaded resource={triggers}>
        {({ items }) =>
          items.length === 0 ? (
            <p class="quiet">
              Nothing starts by itself. <code>triggers:</code> in a pipeline file says what does.
            </p>
          ) : (
            <ActionTable heads={HEADS} action="Pause, resume or run">
              {items.map((one) => (
                <Row key={one.id} trigger={one} action={action} change={change} />
              ))}
            </ActionTable>
          )
        }
      </Loaded>
    </Section>
  );
}

const HEADS = ["Pipeline", "App", "Waits for", "Next", "Last"] as const;

function Row({ trigger, action: { isSending }, change }: { trigger: SeenTrigger; action: Action; change: Change }) {
  const { id, pipeline, app, kind, title, text, paused, whyNot } = trigger;
  return (
    <tr>
      <td class="nowrap">
        <a class="strong" href={to.pipeline(pipeline)}>
          {pipeline}
        </a>
      </td>
      <td class="nowrap">{app === undefined ? <span class="faint">–</span> : <a href={to.app(app)}>{app}</a>}</td>
      <td>
        <span class="mono">{text}</span>
        {title === undefined ? null : (
          <div class="soft">
            <Prose text={title} />
          </div>
        )}
      </td>
      <td>
        <Next trigger={trigger} />
      </td>
      <td>
        <Last trigger={trigger} />
      </td>
      <td class="end">
        {kind === "schedule" ? (
          <>
            <ConfirmButton
              verb="Run"
              name={id}
              isDisabled={isSending || whyNot !== undefined}
              why={whyNot}
              onConfirm={() => change(v1.runTrigger(id), newKey())}
            />{" "}
          </>
        ) : null}
        {paused === undefined ? (
          <ConfirmButton
            verb="Pause"
            name={id}
            isDisabled={isSending || whyNot !== undefined}
            why={whyNot}
            onConfirm={() => change(v1.pauseTrigger(id))}
          />
        ) : (
          <button
            type="button"
            class="button small"
            disabled={isSending || whyNot !== undefined}
            title={whyNot}
            onClick={() => change(v1.resumeTrigger(id))}
          >
            Resume
          </button>
        )}
      </td>
    </tr>
  );
}

function Next({ trigger: { paused, nextAt, nextInZone, waiting, kind } }: { trigger: TriggerView }) {
  if (paused)
    return (
      <span class="hue-amber">
        paused by {paused.by}
        {paused.reason === undefined ? "" : `: ${paused.reason}`}
      </span>
    );
  if (nextAt === undefined) return <span class="faint">{kind === "schedule" ? "never again" : "–"}</span>;
  return (
    <>
      <time class="num" dateTime={nextAt} title={exact(nextAt)}>
        {until(nextAt, now.value)}
      </time>
      <div class="soft num">{nextInZone}</div>
      {waiting === undefined ? null : <div class="hue-amber">{waiting} waiting for the last task</div>}
    </>
  );
}

function Last({ trigger: { last } }: { trigger: TriggerView }) {
  if (last === undefined) return <span class="faint">–</span>;
  return (
    <>
      <RelativeTime at={last.at} />{" "}
      {last.task === undefined ? null : <a href={to.task(last.task)}>{last.task.slice(-8)}</a>}
      {last.nothing === undefined ? null : (
        <div class="soft">
          <Prose text={last.nothing} />
        </div>
      )}
    </>
  );
}
