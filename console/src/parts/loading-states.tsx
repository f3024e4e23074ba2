// What a page shows around its data: a problem, an empty place, a title with its one primary action.

import type { ProblemBody } from "@gantry/runtime/http/problem.ts";
import type { ComponentChildren } from "preact";
import type { Resource } from "../data/store.ts";

export function ProblemBox({ problem, onRetry }: { problem: ProblemBody; onRetry?: () => void }) {
  return (
    <div class="problem" role="alert">
      <p class="strong">{problem.title}</p>
      <p>{problem.detail}</p>
      <p>{problem.todo}</p>
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

/** The data of a resource; before it is there, quiet; when it cannot be read, why. Old data stays visible. */
export function Loaded<T>({ of, children }: { of: Resource<T>; children: (data: T) => ComponentChildren }) {
  const data = of.data.value;
  const problem = of.problem.value;
  return (
    <>
      {problem ? <ProblemBox problem={problem} onRetry={of.reload} /> : null}
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

export function PageHeader({ title, children, note }: { title: string; children?: ComponentChildren; note?: string }) {
  return (
    <header class="title">
      <div>
        <h1>{title}</h1>
        {note === undefined ? null : <p class="soft">{note}</p>}
      </div>
      <div class="actions">{children}</div>
    </header>
  );
}

export function Section({ title, children, count }: { title: string; children: ComponentChildren; count?: number }) {
  return (
    <section class="section">
      <h2>
        {title}
        {count === undefined ? null : <span class="count">{count}</span>}
      </h2>
      {children}
    </section>
  );
}
