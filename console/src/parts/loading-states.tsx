// What a view shows instead of its data: that it is loading, why it cannot be read, or that there is none.

import type { ProblemBody } from "@gantry/runtime/http/problem.ts";
import type { ComponentChildren } from "preact";
import type { Resource } from "../data/store.ts";
import { Prose } from "./prose.tsx";

export function ProblemBox({ problem, onRetry }: { problem: ProblemBody; onRetry?: () => void }) {
  return (
    <div class="problem" role="alert">
      <p class="strong">
        <Prose text={problem.title} />
      </p>
      <p>
        <Prose text={problem.detail} />
      </p>
      <p>
        <Prose text={problem.todo} />
      </p>
      <p class="soft">
        <span class="mono">{problem.code}</span>
        {problem.requestId === "" ? null : <span class="mono"> · request {problem.requestId}</span>}
      </p>
      {onRetry ? (
        <button type="button" class="button small" onClick={onRetry}>
          Try again
        </button>
      ) : null}
    </div>
  );
}

/** Renders the data of a resource. When a later read fails, the problem is shown above the last data. */
export function Loaded<T>(props: { resource: Resource<T>; children: (data: T) => ComponentChildren }) {
  const { resource, children } = props;
  const data = resource.data.value;
  const problem = resource.problem.value;
  return (
    <>
      {problem ? <ProblemBox problem={problem} onRetry={resource.reload} /> : null}
      {data === undefined ? problem ? null : <p class="loading">Loading</p> : children(data)}
    </>
  );
}

export function EmptyState({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p class="strong">{title}</p>
      {children}
    </div>
  );
}
