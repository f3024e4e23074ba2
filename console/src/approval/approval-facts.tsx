// What an approval is of: where, which build, who else may answer, until when, and who has answered.

import type { ApprovalView } from "@gantry/wire/agent/approvals.ts";
import { to } from "../data/api.ts";
import { Prose } from "../parts/prose.tsx";
import { Moment, RelativeTime } from "../parts/values.tsx";

export function ApprovalFacts({ asked }: { asked: ApprovalView }) {
  const { app, build, targets, demands, answers, requestedBy, until, job, jobTitle } = asked;
  return (
    <>
      <dl class="approval-facts">
        <dt>What</dt>
        <dd>
          <Prose text={jobTitle} /> <span class="mono">{job}</span>
          {app === undefined ? null : (
            <>
              {" of "}
              <a class="in-text" href={to.app(app)}>
                {app}
              </a>
            </>
          )}
          {build === undefined ? null : (
            <>
              , build #{build.number} <span class="mono">{build.commit.slice(0, 12)}</span>
              {build.subject === undefined ? null : (
                <span class="soft">
                  {" "}
                  <Prose text={build.subject} />
                </span>
              )}
            </>
          )}
        </dd>
        {targets.map(({ name, environment, build: now }) => (
          <Target key={name} name={name} environment={environment} from={now} to={build?.number} />
        ))}
        <dt>Asked by</dt>
        <dd>
          {requestedBy}, <RelativeTime at={asked.requestedAt} />
        </dd>
        <dt>Who may answer</dt>
        <dd>
          {demands.map((demand) => (
            <div key={demand.environment ?? ""}>
              {demandInWords(demand)}
              {demand.escalates === undefined ? null : (
                <span class="soft">
                  ; <Moment at={demand.escalates.at} /> also {demand.escalates.to.join(" or ")}
                </span>
              )}
            </div>
          ))}
        </dd>
        <dt>Until</dt>
        <dd>
          <Moment at={until} />
        </dd>
      </dl>
      {answers.map((one) => (
        <p key={one.by}>
          {one.by} {one.answer === "approve" ? "approved" : "rejected"} it <RelativeTime at={one.at} />
          {one.reason === undefined ? null : (
            <>
              : <Prose text={one.reason} />
            </>
          )}
        </p>
      ))}
    </>
  );
}

type Place = { name: string; environment: string | undefined; from: number | undefined; to: number | undefined };

function Target({ name, environment, from, to: next }: Place) {
  return (
    <>
      <dt>To</dt>
      <dd>
        <span class="mono">{name}</span>
        {environment === undefined ? null : ` in ${environment}`}
        {from === undefined ? null : (
          <span class="num">
            , #{from} → {next === undefined ? "?" : `#${next}`}
          </span>
        )}
      </dd>
    </>
  );
}

/** "2 of group:ops for prod, 1 is missing; not who requested the task" */
function demandInWords({ environment, approvers, count, missing, notOwn }: ApprovalView["demands"][number]): string {
  const who = approvers.length === 0 ? "whoever has the right to approve" : approvers.join(" or ");
  const many = count === 1 ? who : `${count} people of ${who}, ${missing} missing`;
  return `${many}${environment === undefined ? "" : ` for ${environment}`}${notOwn ? "; not who requested the task" : ""}`;
}
