// Some hundred lines of a log.

import { useSignal } from "@preact/signals";
import type { ComponentChildren, JSX } from "preact";
import { memo } from "preact/compat";
import { useEffect, useRef } from "preact/hooks";
import { address, go, withQuery } from "../frame/router.ts";
import { LINE_PX, rangeOf } from "./log-scroll.ts";
import { type LogLine, splitAround } from "./log-text.ts";

/** How far from what is seen a chunk becomes text. */
const NEAR = "1500px 0px";

type ChunkProps = {
  readonly lines: readonly LogLine[];
  readonly wanted: string;
  /** The lines that the address marks, as `from-to`; empty when they are elsewhere. */
  readonly marked: string;
  /** Of a long log: the chunk is text only near to what this shows. */
  readonly scroller: { readonly current: HTMLElement | null } | undefined;
};

export const Chunk = memo(
  function Chunk({ lines, wanted, marked, scroller }: ChunkProps): JSX.Element {
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
    a.scroller === b.scroller &&
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

/** Is an element near to what is seen of its scroller? Always, where there is none. */
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
