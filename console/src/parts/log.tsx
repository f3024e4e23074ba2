// The log of a step: real text in chunks, so that search, selection and copying of the browser work as everywhere.

import { STATE_LOOKS } from "@gantry/core/task/states.ts";
import type { StepView } from "@gantry/wire/views.ts";
import { useSignal } from "@preact/signals";
import type { ComponentChildren, JSX } from "preact";
import { memo } from "preact/compat";
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { count } from "../format.ts";
import { useLog } from "../log-reader.ts";
import { allLines, findLines, firstFailingLine, type LogLine, splitAround } from "../log-text.ts";
import { address, go, withQuery } from "../router.ts";
import { recall, remember } from "../theme.ts";
import { ProblemBox } from "./answers.tsx";
import { Icon } from "./mark.tsx";

const CHUNK = 500;
/** Logs of more lines can be scrolled beyond their end, so that a failing last line stands where one looks first. */
const FEW = 12;
/** What is seen above a line that is shown: three lines. */
const LINES_BEFORE_PX = 54;
const WRAP_KEY = "gantry.wrap";

export function Log({ path, step, name }: { path: string; step: StepView; name: string }) {
  const state = useLog(path).value;
  const lines = useMemo(() => allLines(state.text), [state.text]);
  const wanted = useSignal("");
  const hitAt = useSignal(0);
  const wraps = useSignal(recall(WRAP_KEY) !== "no");
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
            remember(WRAP_KEY, wraps.value ? "yes" : "no");
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

type ChunkProps = { lines: readonly LogLine[]; wanted: string; marked: string };

const Chunk = memo(
  function Chunk({ lines, wanted, marked }: ChunkProps): JSX.Element {
    const [from = 0, to = 0] = marked.split("-").map(Number);
    return (
      <pre class="chunk">
        {lines.map((line) => (
          <span
            key={line.n}
            class={`line${line.level === undefined ? "" : ` is-${line.level}`}${line.n >= from && line.n <= to ? " is-marked" : ""}`}
            data-n={line.n}
          >
            <a
              class="n"
              href={withQuery({}, `L${line.n}`)}
              tabIndex={-1}
              aria-label={`Line ${line.n}`}
              onClick={(event) => select(event, line.n)}
            >
              {line.n}
            </a>
            <span class="said">
              {line.spans.map((span, at) => (
                <Piece key={at} text={span.text} look={span.look} wanted={wanted} />
              ))}
              {"\n"}
            </span>
          </span>
        ))}
      </pre>
    );
  },
  (a, b) =>
    a.wanted === b.wanted &&
    a.marked === b.marked &&
    a.lines.length === b.lines.length &&
    a.lines.at(-1)?.text === b.lines.at(-1)?.text,
);

/** A press selects a line; with Shift everything from the selected one on. */
function select(event: MouseEvent, n: number): void {
  event.preventDefault();
  event.stopPropagation();
  const start = rangeOf(address.value.hash)?.[0];
  const [from, to] = event.shiftKey && start !== undefined ? [Math.min(start, n), Math.max(start, n)] : [n, n];
  go(withQuery({}, from === to ? `L${from}` : `L${from}-L${to}`), { replace: true });
}

const URL_TEXT = /(https?:\/\/[^\s"'<>)\]]+)/;

function Piece({ text, look, wanted }: { text: string; look: string; wanted: string }): ComponentChildren {
  const parts = wanted === "" ? text.split(URL_TEXT) : [text];
  const shown = parts.map((part, at) =>
    at % 2 === 1 ? (
      <a key={at} href={part} target="_blank" rel="noreferrer">
        {part}
      </a>
    ) : (
      <Hits key={at} text={part} wanted={wanted} />
    ),
  );
  return look === "" ? shown : <span class={look}>{shown}</span>;
}

function Hits({ text, wanted }: { text: string; wanted: string }): ComponentChildren {
  if (wanted === "") return text;
  return (
    <>{splitAround(text, wanted).map((part, at) => (part.isHit ? <mark key={at}>{part.text}</mark> : part.text))}</>
  );
}

/** The end is followed until the person scrolls away from it, and again when the person comes back to it. */
function useFollow(scroller: { current: HTMLDivElement | null }, length: number, isFinal: boolean, path: string) {
  const isFollowing = useSignal(true);
  const seen = useRef(0);
  useEffect(() => {
    isFollowing.value = true;
  }, [path]);
  useLayoutEffect(() => {
    const box = scroller.current;
    if (!isFollowing.value || !box || isFinal) return;
    box.scrollTop = box.scrollHeight;
    seen.current = length;
  }, [length, isFinal]);
  const onScroll = (): void => {
    const box = scroller.current;
    if (!box) return;
    const isAtEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 24;
    if (isAtEnd !== isFollowing.value) seen.current = length;
    isFollowing.value = isAtEnd;
  };
  const toEnd = (): void => {
    isFollowing.value = true;
    scroller.current?.scrollTo({ top: scroller.current.scrollHeight });
  };
  return { isFollowing: isFollowing.value, unseen: Math.max(0, length - seen.current), onScroll, toEnd };
}

/** Shows a line once, when it is there: the one in the address, else the first failing one. */
function useOpenAt(
  scroller: { current: HTMLDivElement | null },
  n: number | undefined,
  isReady: boolean,
  path: string,
): void {
  const done = useRef("");
  useEffect(() => {
    if (!isReady || n === undefined || done.current === path) return;
    done.current = path;
    showLine(scroller.current, n, false);
  }, [isReady, n, path]);
}

/** `movesPage`: also the page goes there. What opens by itself leaves the headline of the task in view. */
function showLine(box: HTMLDivElement | null, n: number, movesPage = true): void {
  const line = box?.querySelector(`[data-n="${n}"]`);
  if (!box || !line) return;
  const offset = line.getBoundingClientRect().top - box.getBoundingClientRect().top;
  box.scrollTop += offset - Math.min(box.clientHeight / 3, LINES_BEFORE_PX);
  for (const old of box.querySelectorAll(".is-shown")) old.classList.remove("is-shown");
  line.classList.add("is-shown");
  if (movesPage) line.scrollIntoView({ block: "nearest" });
}

function rangeOf(hash: string): readonly [number, number] | undefined {
  const found = /^L(\d{1,9})(?:-L(\d{1,9}))?$/.exec(hash);
  return found ? [Number(found[1]), Number(found[2] ?? found[1])] : undefined;
}

function overlaps(chunk: readonly LogLine[], [from, to]: readonly [number, number]): boolean {
  return (chunk[0]?.n ?? 0) <= to && (chunk.at(-1)?.n ?? 0) >= from;
}

function chunksOf(lines: readonly LogLine[]): readonly (readonly LogLine[])[] {
  const chunks: (readonly LogLine[])[] = [];
  for (let at = 0; at < lines.length; at += CHUNK) chunks.push(lines.slice(at, at + CHUNK));
  return chunks;
}
