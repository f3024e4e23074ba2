// The jobs of a task that people or the calendar of an environment hold, and what was answered about others.

import type { JobView, TaskView } from "@gantry/wire/agent/views.ts";
import { useSignal } from "@preact/signals";
import { type AskedApproval, type Page, send, v1 } from "../data/api.ts";
import { refusalOf } from "../data/session.ts";
import { put, useResource } from "../data/store.ts";
import { useAction } from "../data/use-action.ts";
import { Loaded, ProblemBox } from "../parts/loading-states.tsx";
import { Prose } from "../parts/prose.tsx";
import { ReasonInput } from "../parts/reason-input.tsx";
import { StateGlyph } from "../parts/state-badge.tsx";
import { Moment, RelativeTime } from "../parts/values.tsx";
import { ApprovalCard } from "./approval-card.tsx";

const CALENDAR: readonly unknown[] = ["window", "freeze"];

export function WaitingJobs({ task }: { task: TaskView }) {
  const asking = task.jobs.filter(({ state, approval }) => state === "waiting" && approval?.state === "asked");
  const gated = task.jobs.filter(({ state, waiting }) => state === "waiting" && CALENDAR.includes(waiting?.code));
  return (
    <>
      {asking.length === 0 ? null : <Approvals task={task} />}
      {gated.map((job) => (
        <GatedJob task={task} job={job} key={job.key} />
      ))}
      {task.jobs.map((job) => (
        <Answered job={job} key={job.key} />
      ))}
    </>
  );
}

function Approvals({ task }: { task: TaskView }) {
  const asked = useResource<Page<AskedApproval>>(v1.approvals({ task: task.id }), {
    reloadOn: ({ subject }) => subject === task.id,
  });
  return (
    <Loaded resource={asked}>
      {({ items }) =>
        items.map((one) => (
          <div key={one.plan}>
            <ApprovalCard asked={one} onAnswered={asked.reload} />
            <Override task={task} job={one.job} of={one.demands.map(({ environment }) => environment)} />
          </div>
        ))
      }
    </Loaded>
  );
}

function GatedJob({ task, job }: { task: TaskView; job: JobView }) {
  const { waiting } = job;
  return (
    <section class="held hue-amber" aria-label={`${job.key} waits`}>
      <p class="strong">
        <StateGlyph state="waiting" /> <Prose text={job.title} /> <span class="mono">{job.key}</span> waits
      </p>
      <p>
        <Prose text={waiting?.text ?? ""} />{" "}
        {waiting?.until === undefined ? (
          "It never opens."
        ) : (
          <>
            It may go at <Moment at={waiting.until} />.
          </>
        )}
      </p>
      <Override task={task} job={job.key} of={[""]} />
    </section>
  );
}

/** `of`: the environments that hold the job; undefined is the pipeline itself, which nobody can override. */
function Override({ task, job, of }: { task: TaskView; job: string; of: readonly (string | undefined)[] }) {
  const { isSending, problem, run } = useAction();
  const reason = useSignal("");
  if (refusalOf("override-policy", task) !== undefined || of.every((one) => one === undefined)) return null;
  const override = (): void =>
    run(async () => {
      const next = await send("POST", v1.override(task.id, job), { reason: reason.value.trim() });
      if (next) put(v1.task(task.id), next);
    });
  return (
    <details class="override">
      <summary>Let it go against the policy</summary>
      <div class="held-reason">
        <ReasonInput id={`override-${job}`} reason={reason} note="kept in the task and in the audit" />
      </div>
      <div class="submit">
        <button type="button" class="button" disabled={isSending || reason.value.trim() === ""} onClick={override}>
          Override the policy
        </button>
      </div>
      {problem ? <ProblemBox problem={problem} /> : null}
    </details>
  );
}

/** Who let the job go, or did not. */
function Answered({ job: { key, approval, overridden } }: { job: JobView }) {
  const answers = approval && approval.state !== "asked" ? approval.answers : [];
  return (
    <>
      {answers.map(({ by, at, answer, reason }) => (
        <p class="soft answered" key={by}>
          {by} {answer === "approve" ? "approved" : "rejected"} <span class="mono">{key}</span> <RelativeTime at={at} />
          {reason === undefined ? null : (
            <>
              : <Prose text={reason} />
            </>
          )}
        </p>
      ))}
      {overridden ? (
        <p class="hue-amber answered">
          {overridden.by} overrode the policy for <span class="mono">{key}</span> <RelativeTime at={overridden.at} />:{" "}
          <Prose text={overridden.reason} />
        </p>
      ) : null}
    </>
  );
}
