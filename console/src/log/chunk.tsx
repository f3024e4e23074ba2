// A chunk of a log: a few hundred lines that are rendered together.

import { useSignal } from "@preact/signals";
import type { ComponentChildren, JSX } from "preact";
import { memo } from "preact/compat";
import { useEffect, useRef } from "preact/hooks";
import { address, go, withQuery } from "../frame/router.ts";
import { LINE_PX, rangeOf } from "./log-scroll.ts";
import { type LogLine, splitAround } from "./log-text.ts";

/** Distance from the visible part at which the text of a chunk is rendered. */
const NEAR = "1500px 0px";

type ChunkProps = {
  readonly lines: readonly LogLine[];
  /** The text that is searched for; empty for none. */
  readonly searched: string;
  /** The lines that the address marks, as `from-to`; empty when none of them is in this chunk. */
  readonly marked: string;
  /** In a long log: the text is rendered only near the visible part of this element. */
  readonly scroller: { readonly current: HTMLElement | null } | undefined;
};

export const Chunk = memo(
  function Chunk({ lines, searched, marked, scroller }: ChunkProps): JSX.Element {
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
                <StyledText key={at} text={span.text} className={span.className} searched={searched} />
              ))}
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
    a.lines.length === b.lines.length &&
    a.lines.at(-1)?.text === b.lines.at(-1)?.text,
);

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
