// The log of a step: plain text in chunks of a few hundred lines, so that the browser's own search, selection and copying
// work, and so that only the visible part of a long log is rendered.

import { STATE_LOOKS } from "@gantry/core/task/states.ts";
import type { StepView } from "@gantry/wire/agent/views.ts";
import { useSignal } from "@preact/signals";
import type { ComponentChildren, JSX } from "preact";
import { memo } from "preact/compat";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { address, go, withQuery } from "../frame/router.ts";
import { count } from "../parts/format.ts";
import { Icon } from "../parts/icon.tsx";
import { ProblemBox } from "../parts/loading-states.tsx";
import { Prose, withoutBackticks } from "../parts/prose.tsx";
import { LogBar, useWrap } from "./log-bar.tsx";
import { type Folding, useFolding } from "./log-groups.ts";
import { allLines, type LogLine } from "./log-lines.ts";
import { type LogState, useLog } from "./log-reader.ts";
import { LINE_PX, rangeOf, showLine, useFollow, useOpenAt } from "./log-scroll.ts";
import { findLines, firstFailingLine, splitAround } from "./log-search.ts";

const CHUNK_LINES = 500;
/** In a log with more lines, only the chunks near the visible part are in the document. */
const MAX_LINES_IN_DOCUMENT = 20_000;
/** A log with more lines can be scrolled beyond its end, so that a failing last line appears near the top. */
const MIN_LINES_TO_OVERSCROLL = 12;

/** `path`: the API address of the log. `name`: of the downloaded file, without `.log`. */
export function Log({ path, step, name }: { path: string; step: StepView; name: string }) {
  const state = useLog(path).value;
  const lines = useMemo(() => allLines(state.text), [state.text]);
  const search = useSearch(lines);
  const wrap = useWrap();
  const scroller = useRef<HTMLDivElement>(null);
  const { isFollowing, unseen, onScroll, toEnd } = useFollow(scroller, lines.length, state, path);
  const marked = rangeOf(address.value.hash);
  const failing = failingLine(step, lines);
  const folding = useFolding(lines, step.state === "succeeded", [marked?.[0], failing]);
  useOpenAt(scroller, marked?.[0] ?? failing, state.isLoaded && (state.isFinal || marked !== undefined), path);
  const show = (n: number): void => {
    folding.reveal(n);
    showLine(scroller.current, n);
  };
  const overscrolls = failing !== undefined && lines.length > MIN_LINES_TO_OVERSCROLL;
  return (
    <div class="log">
      <LogBar
        lineCount={lines.length}
        search={{ ...search, move: (by) => search.move(by, show) }}
        wrap={wrap}
        groups={folding}
        download={{ path, name }}
        onShowError={failing === undefined ? undefined : () => show(failing)}
      />
      <SkippedNote state={state} marked={marked?.[0]} />
      <div
        class={`log-text${wrap.isOn ? " wraps" : ""}${overscrolls ? " opens-inside" : ""}`}
        ref={scroller}
        onScroll={onScroll}
        role="log"
        aria-live="off"
        aria-label={`Log of ${withoutBackticks(step.title)}`}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: the log scrolls, so the keyboard must reach it
        tabIndex={0}
        id="log"
      >
        {chunksOf(folding.shown).map((chunk) => (
          <Chunk
            key={chunk[0]?.n}
            lines={chunk}
            searched={search.text}
            marked={marked && overlaps(chunk, marked) ? marked.join("-") : ""}
            folding={folding}
            scroller={lines.length > MAX_LINES_IN_DOCUMENT ? scroller : undefined}
          />
        ))}
        <LogEnd step={step} isEmpty={lines.length === 0} isLoaded={state.isLoaded} />
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

/** Search in the lines: the text, how many lines have it, and which of them is shown. */
function useSearch(lines: readonly LogLine[]) {
  const text = useSignal("");
  const index = useSignal(0);
  const hits = useMemo(() => findLines(lines, text.value), [lines, text.value]);
  return {
    text: text.value,
    hitCount: hits.length,
    index: index.value,
    set: (value: string): void => {
      text.value = value;
      index.value = -1;
    },
    move: (by: number, show: (n: number) => void): void => {
      if (hits.length === 0) return;
      index.value = (index.value + by + hits.length) % hits.length;
      show(hits[index.value] ?? 1);
    },
  };
}

function failingLine(step: StepView, lines: readonly LogLine[]): number | undefined {
  const hasEndedBadly = STATE_LOOKS[step.state].ended && step.state !== "succeeded";
  return hasEndedBadly ? firstFailingLine(lines, step.failure?.line) : undefined;
}

/** `marked`: the line in the address, which may be in the part that is not shown. */
function SkippedNote({ state, marked }: { state: LogState; marked: number | undefined }) {
  if (state.skippedBytes === 0) return null;
  const first = state.text.firstLine;
  return (
    <p class="log-note">
      The first {(state.skippedBytes / 1e6).toFixed(1)} MB are not shown: the log begins here at line {first}.
      {marked !== undefined && marked < first ? ` Line ${marked} is before it.` : ""} The download has the whole log.
    </p>
  );
}

function LogEnd(props: { step: StepView; isEmpty: boolean; isLoaded: boolean }) {
  const { step, isEmpty } = props;
  const text = ((): string | undefined => {
    if (step.state === "skipped") return `Skipped: ${step.reason ?? "it was not needed"}`;
    if (step.waiting) return step.waiting.text;
    if (step.state === "queued") return "This step has not started.";
    if (!isEmpty) return undefined;
    if (STATE_LOOKS[step.state].ended) return props.isLoaded ? "This step wrote nothing to its log." : "Loading";
    return "No output yet.";
  })();
  return text === undefined ? null : (
    <p class="log-end">
      <Prose text={text} />
    </p>
  );
}

function overlaps(chunk: readonly LogLine[], [from, to]: readonly [number, number]): boolean {
  return (chunk[0]?.n ?? 0) <= to && (chunk.at(-1)?.n ?? 0) >= from;
}

function chunksOf(lines: readonly LogLine[]): readonly (readonly LogLine[])[] {
  const chunks: (readonly LogLine[])[] = [];
  for (let at = 0; at < lines.length; at += CHUNK_LINES) chunks.push(lines.slice(at, at + CHUNK_LINES));
  return chunks;
}

/** Distance from the visible part at which the text of a chunk is rendered. */
const NEAR = "1500px 0px";

type ChunkProps = {
  readonly lines: readonly LogLine[];
  /** The text that is searched for; empty for none. */
  readonly searched: string;
  /** The lines that the address marks, as `from-to`; empty when none of them is in this chunk. */
  readonly marked: string;
  readonly folding: Folding;
  /** In a long log: the text is rendered only near the visible part of this element. */
  readonly scroller: { readonly current: HTMLElement | null } | undefined;
};

const Chunk = memo(
  function Chunk({ lines, searched, marked, folding, scroller }: ChunkProps): JSX.Element {
    const chunk = useRef<HTMLPreElement>(null);
    const isNear = useNear(chunk, scroller);
    const [from = 0, to = 0] = marked.split("-").map(Number);
    const first = lines[0]?.n;
    if (!isNear) {
      return <pre class="chunk" ref={chunk} data-from={first} style={{ height: `${lines.length * LINE_PX}px` }} />;
    }
    return (
      <pre class="chunk" ref={chunk} data-from={first} style={{ height: "auto" }}>
        {lines.map((line) => (
          <span
            key={line.n}
            class={`${classOf(line)}${line.n >= from && line.n <= to ? " is-marked" : ""}`}
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
              {line.kind === "group" ? (
                <GroupHead line={line} searched={searched} folding={folding} />
              ) : (
                line.spans.map((span, at) => (
                  <StyledText key={at} text={span.text} className={span.className} searched={searched} />
                ))
              )}
              {"\n"}
            </span>
          </span>
        ))}
      </pre>
    );
  },
  (a, b) =>
    a.searched === b.searched &&
    a.marked === b.marked &&
    a.scroller === b.scroller &&
    a.folding.folded === b.folding.folded &&
    a.folding.sizes === b.folding.sizes &&
    a.lines.length === b.lines.length &&
    a.lines.at(-1)?.text === b.lines.at(-1)?.text,
);

function classOf({ n, level, kind, group }: LogLine): string {
  const isInside = group !== undefined && group !== n;
  const said = level ?? (kind === "notice" || kind === "debug" ? kind : undefined);
  const place = kind === "group" ? " is-group" : isInside ? " is-inside" : "";
  return `line${said === undefined ? "" : ` is-${said}`}${place}`;
}

function GroupHead({ line, searched, folding }: { line: LogLine; searched: string; folding: Folding }) {
  const isOpen = !folding.folded.has(line.n);
  return (
    <button type="button" class="log-group" aria-expanded={isOpen} onClick={() => folding.toggle(line.n)}>
      <Icon name="more" />
      <Highlighted text={line.text} searched={searched} />
      <span class="soft num">{count(folding.sizes.get(line.n) ?? 0, "line")}</span>
    </button>
  );
}

/** Selects a line; with Shift, all lines from the selected one to this one. */
function select(event: MouseEvent, n: number): void {
  event.preventDefault();
  event.stopPropagation();
  const start = rangeOf(address.value.hash)?.[0];
  const [from, to] = event.shiftKey && start !== undefined ? [Math.min(start, n), Math.max(start, n)] : [n, n];
  go(withQuery({}, from === to ? `L${from}` : `L${from}-L${to}`), { replace: true });
}

const URL_TEXT = /(https?:\/\/[^\s"'<>)\]]+)/;

function StyledText({
  text,
  className,
  searched,
}: {
  text: string;
  className: string;
  searched: string;
}): ComponentChildren {
  const parts = searched === "" ? text.split(URL_TEXT) : [text];
  const shown = parts.map((part, at) =>
    at % 2 === 1 ? (
      <a key={at} href={part} target="_blank" rel="noreferrer">
        {part}
      </a>
    ) : (
      <Highlighted key={at} text={part} searched={searched} />
    ),
  );
  return className === "" ? shown : <span class={className}>{shown}</span>;
}

function Highlighted({ text, searched }: { text: string; searched: string }): ComponentChildren {
  if (searched === "") return text;
  return (
    <>{splitAround(text, searched).map((part, at) => (part.isHit ? <mark key={at}>{part.text}</mark> : part.text))}</>
  );
}

/** Whether an element is near the visible part of its scroller; always true without a scroller. */
function useNear(element: { readonly current: HTMLElement | null }, scroller: ChunkProps["scroller"]): boolean {
  const isNear = useSignal(false);
  useEffect(() => {
    if (!scroller || !element.current) return;
    const observer = new IntersectionObserver(
      ([entry]) => {
        isNear.value = entry?.isIntersecting ?? false;
      },
      { root: scroller.current, rootMargin: NEAR },
    );
    observer.observe(element.current);
    return () => observer.disconnect();
  }, [scroller]);
  return !scroller || isNear.value;
}
