// Shows the Markdown of a script. It becomes elements of a fixed set and text, never markup, so that it can neither run
// anything nor load anything.

import type { ComponentChildren } from "preact";
import { useMemo } from "preact/hooks";
import { type Block, type Cell, type Item, parseMarkdown } from "./blocks.ts";
import type { Inline } from "./inline.ts";

/** `below`: the level of the heading above it in the page. */
export function Markdown({ text, below }: { text: string; below: number }) {
  const { blocks, isCut } = useMemo(() => parseMarkdown(text), [text]);
  return (
    <div class="markdown">
      <Blocks blocks={blocks} below={below} />
      {isCut ? <p class="quiet">This is only the beginning: the whole text is too long for a page.</p> : null}
    </div>
  );
}

function Blocks({ blocks, below }: { blocks: readonly Block[]; below: number }): ComponentChildren {
  return blocks.map((block, at) => <BlockView key={at} block={block} below={below} />);
}

function BlockView({ block, below }: { block: Block; below: number }) {
  switch (block.kind) {
    case "heading": {
      const Heading = `h${Math.min(6, below + block.level)}` as "h6";
      return (
        <Heading class={`m-h${Math.min(3, block.level)}`}>
          <Inlines nodes={block.inside} />
        </Heading>
      );
    }
    case "paragraph":
      return (
        <p>
          <Inlines nodes={block.inside} />
        </p>
      );
    case "code":
      return (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it
        <pre class="m-code" tabIndex={0}>
          {block.text}
        </pre>
      );
    case "quote":
      return (
        <blockquote>
          <Blocks blocks={block.blocks} below={below} />
        </blockquote>
      );
    case "list":
      return <List items={block.items} start={block.start} below={below} />;
    case "table":
      return <Table {...block} />;
    case "rule":
      return <hr />;
  }
}

function List({ items, start, below }: { items: readonly Item[]; start: number | undefined; below: number }) {
  const entries = items.map((item, at) => (
    <li key={at}>
      {item.isChecked === undefined ? null : (
        <input type="checkbox" checked={item.isChecked} disabled aria-label={item.isChecked ? "done" : "not done"} />
      )}
      {item.blocks.map((block, index) =>
        // A text of one paragraph needs no space around it.
        block.kind === "paragraph" ? (
          <Inlines key={index} nodes={block.inside} />
        ) : (
          <BlockView key={index} block={block} below={below} />
        ),
      )}
    </li>
  ));
  return start === undefined ? <ul>{entries}</ul> : <ol start={start}>{entries}</ol>;
}

function Table({ head, rows, align }: Extract<Block, { kind: "table" }>) {
  const cell = (cells: readonly Cell[], Tag: "th" | "td") =>
    cells.map((nodes, at) => (
      <Tag key={at} class={align[at] === undefined ? "" : `m-${align[at]}`}>
        <Inlines nodes={nodes} />
      </Tag>
    ));
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it
    <div class="scroll" tabIndex={0}>
      <table>
        <thead>
          <tr>{cell(head, "th")}</tr>
        </thead>
        <tbody>
          {rows.map((cells, at) => (
            <tr key={at}>{cell(cells, "td")}</tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Inlines({ nodes }: { nodes: readonly Inline[] }): ComponentChildren {
  return nodes.map((node, at) => <InlineView key={at} node={node} />);
}

function InlineView({ node }: { node: Inline }): ComponentChildren {
  switch (node.kind) {
    case "text":
      return node.text;
    case "code":
      return <code>{node.text}</code>;
    case "break":
      return <br />;
    case "link":
      return (
        <a href={node.href} target="_blank" rel="noreferrer nofollow">
          <Inlines nodes={node.inside} />
        </a>
      );
    default: {
      const Tag = node.kind;
      return (
        <Tag>
          <Inlines nodes={node.inside} />
        </Tag>
      );
    }
  }
}
