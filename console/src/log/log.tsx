// The log of a step: real text in chunks, so that search, selection and copying of the browser work as everywhere.

import { STATE_LOOKS } from "@gantry/core/task/states.ts";
import type { StepView } from "@gantry/wire/agent/views.ts";
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useMemo, useRef } from "preact/hooks";
import { address } from "../frame/router.ts";
import { readPreference, savePreference } from "../frame/theme.ts";
import { count } from "../parts/format.ts";
import { ProblemBox } from "../parts/loading-states.tsx";
import { Icon } from "../parts/state-badge.tsx";
import { Chunk } from "./chunk.tsx";
import { useLog } from "./log-reader.ts";
import { rangeOf, showLine, useFollow, useOpenAt } from "./log-scroll.ts";
import { allLines, findLines, firstFailingLine, type LogLine } from "./log-text.ts";

const CHUNK = 500;
/** Of longer logs only the chunks around the place that is looked at are text. */
const MANY = 20_000;
/** Logs of more lines can be scrolled beyond their end, so that a failing last line stands where one looks first. */
const FEW = 12;
const WRAP_KEY = "gantry.wrap";

export function Log({ path, step, name }: { path: string; step: StepView; name: string }) {
  const state = useLog(path).value;
  const lines = useMemo(() => allLines(state.text), [state.text]);
  const wanted = useSignal("");
  const hitAt = useSignal(0);
  const wraps = useSignal(readPreference(WRAP_KEY) !== "no");
  const scroller = useRef<HTMLDivElement>(null);
  const { isFollowing, unseen, onScroll, toEnd } = useFollow(scroller, lines.length, state.isFinal, path);
  const hits = useMemo(() => findLines(lines, wanted.value), [lines, wanted.value]);
  const marked = rangeOf(address.value.hash);
  const failing =
    STATE_LOOKS[step.state].ended && step.state !== "succeeded"
      ? firstFailingLine(lines, step.failure?.line)
      : undefined;
  useOpenAt(scroller, marked?.[0] ?? failing, state.isLoaded && (state.isFinal || marked !== undefined), path);

  const toHit = (move: number): void => {
    if (hits.length === 0) return;
    hitAt.value = (hitAt.value + move + hits.length) % hits.length;
    showLine(scroller.current, hits[hitAt.value] ?? 1);
  };
  return (
    <div class="log">
      <div class="log-bar">
        <label class="log-search">
          <Icon name="search" />
          <input
            type="search"
            aria-label="Search in this log"
            placeholder="Search in this log"
            value={wanted.value}
            onInput={({ currentTarget }) => {
              wanted.value = currentTarget.value;
              hitAt.value = -1;
            }}
            onKeyDown={(event) => {
              if (event.key === "Enter") toHit(event.shiftKey ? -1 : 1);
            }}
          />
        </label>
        {wanted.value === "" ? null : (
          <span class="soft num" aria-live="polite">
            {hits.length === 0 ? "no line" : `${Math.max(0, hitAt.value) + 1} of ${count(hits.length, "line")}`}
          </span>
        )}
        <span class="spacer" />
        <span class="soft num">{count(lines.length, "line")}</span>
        {failing === undefined ? null : (
          <button type="button" class="button small" onClick={() => showLine(scroller.current, failing)}>
            Show first error
          </button>
        )}
        <button
          type="button"
          class="icon-button"
          aria-pressed={wraps.value}
          aria-label="Wrap long lines"
          title="Wrap long lines"
          onClick={() => {
            wraps.value = !wraps.value;
            savePreference(WRAP_KEY, wraps.value ? "yes" : "no");
          }}
        >
          <Icon name="wrap" />
        </button>
        <a class="icon-button" href={path} download={`${name}.log`} aria-label="Download log" title="Download log">
          <Icon name="download" />
        </a>
      </div>
      {state.skipped > 0 ? (
        <p class="log-note">
          The first {(state.skipped / 1e6).toFixed(1)} MB are not shown, and lines are counted from there. The download
          has all.
        </p>
      ) : null}
      <div
        class={`log-text${wraps.value ? " wraps" : ""}${failing !== undefined && lines.length > FEW ? " opens-inside" : ""}`}
        ref={scroller}
        onScroll={onScroll}
        role="log"
        aria-live="off"
        aria-label={`Log of ${step.title}`}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it
        tabIndex={0}
        id="log"
      >
        {chunksOf(lines).map((chunk) => (
          <Chunk
            key={chunk[0]?.n}
            lines={chunk}
            wanted={wanted.value}
            marked={marked && overlaps(chunk, marked) ? marked.join("-") : ""}
            scroller={lines.length > MANY ? scroller : undefined}
          />
        ))}
        <LogEnd step={step} isEmpty={lines.length === 0} isFinal={state.isFinal} isLoaded={state.isLoaded} />
        {state.problem && state.problem.code !== "not-found" ? <ProblemBox problem={state.problem} /> : null}
      </div>
      {!isFollowing && !state.isFinal ? (
        <button type="button" class="pill" onClick={toEnd}>
          <Icon name="down" />
          {unseen === 0 ? "Follow" : count(unseen, "new line")}
        </button>
      ) : null}
    </div>
  );
}

function LogEnd(props: { step: StepView; isEmpty: boolean; isFinal: boolean; isLoaded: boolean }) {
  const { step, isEmpty } = props;
  const says = ((): ComponentChildren => {
    if (step.state === "skipped") return `Skipped: ${step.reason ?? "it was not needed"}`;
    if (step.waiting) return step.waiting.text;
    if (step.state === "queued") return "This step has not started.";
    if (!isEmpty) return undefined;
    if (STATE_LOOKS[step.state].ended) return props.isLoaded ? "This step wrote nothing to its log." : "Loading";
    return "No output yet.";
  })();
  return says === undefined ? null : <p class="log-end">{says}</p>;
}

function overlaps(chunk: readonly LogLine[], [from, to]: readonly [number, number]): boolean {
  return (chunk[0]?.n ?? 0) <= to && (chunk.at(-1)?.n ?? 0) >= from;
}

function chunksOf(lines: readonly LogLine[]): readonly (readonly LogLine[])[] {
  const chunks: (readonly LogLine[])[] = [];
  for (let at = 0; at < lines.length; at += CHUNK) chunks.push(lines.slice(at, at + CHUNK));
  return chunks;
}
