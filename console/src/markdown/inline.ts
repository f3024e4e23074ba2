// The text inside a block of Markdown: emphasis, code, links. Anything else, also HTML, is text.

export type Inline =
  | { readonly kind: "text" | "code"; readonly text: string }
  | { readonly kind: "strong" | "em" | "del"; readonly inside: readonly Inline[] }
  | { readonly kind: "link"; readonly href: string; readonly inside: readonly Inline[] }
  | { readonly kind: "break" };

/** Deeper emphasis is text. */
const MAX_DEPTH = 8;

const ADDRESS = String.raw`(?:[^\s()<>]|\([^\s()<>]{0,500}\)){1,2000}`;
/** In the order in which they are tried. Every part has an end, so that no text takes long. */
const TOKEN = new RegExp(
  [
    String.raw`\\(?<escaped>[!-/:-@[-${"`"}{-~])`,
    "(?<ticks>`+)",
    String.raw`!?\[(?<label>(?:[^\[\]\\]|\\.){0,1000})\]\(\s{0,9}(?<href>${ADDRESS})(?:\s{1,9}"[^"]{0,500}")?\s{0,9}\)`,
    String.raw`<(?<angled>https?://[^\s<>]{1,2000})>`,
    String.raw`(?<bare>https?://[^\s<>"'${"`"}|*]{1,2000})`,
    String.raw`(?<mark>\*\*|__|~~|\*|_)`,
    ":(?<emoji>[a-z0-9_]{1,30}):",
    String.raw`(?<break>(?: {2,9}|\\)\n|<br ?/?>)`,
  ].join("|"),
  "gu",
);

/** Those that reports of tests and builds use. */
const EMOJI: { readonly [name: string]: string } = {
  white_check_mark: "✅",
  heavy_check_mark: "✔️",
  x: "❌",
  warning: "⚠️",
  rocket: "🚀",
  tada: "🎉",
  bug: "🐛",
  fire: "🔥",
  red_circle: "🔴",
  green_circle: "🟢",
  yellow_circle: "🟡",
  information_source: "ℹ️",
};

const MARKS = { "**": "strong", __: "strong", "~~": "del", "*": "em", _: "em" } as const;
type Mark = keyof typeof MARKS;
type Open = { readonly mark: Mark; readonly nodes: Inline[] };

export function parseInline(text: string): readonly Inline[] {
  // It has a position, and the label of a link is parsed inside.
  const token = new RegExp(TOKEN);
  const stack: [Inline[], ...Open[]] = [[]];
  const nodes = (): Inline[] => {
    const top = stack.at(-1) as Inline[] | Open;
    return Array.isArray(top) ? top : top.nodes;
  };
  const say = (said: string): void => addText(nodes(), said);
  let at = 0;
  for (let found = token.exec(text); found; found = token.exec(text)) {
    say(text.slice(at, found.index));
    at = token.lastIndex;
    const { escaped, ticks, label, href, angled, bare, mark, emoji } = found.groups ?? {};
    if (escaped !== undefined) say(escaped);
    else if (ticks !== undefined) {
      const end = codeEnd(text, at, ticks);
      if (end === undefined) say(ticks);
      else {
        nodes().push({
          kind: "code",
          text: text
            .slice(at, end)
            .replaceAll("\n", " ")
            .replace(/^ (.*\S.*) $/, "$1"),
        });
        at = end + ticks.length;
      }
    } else if (label !== undefined) nodes().push(...linkOf(label, href ?? ""));
    else if (angled !== undefined) nodes().push(...linkOf(angled, angled));
    else if (bare !== undefined) {
      const address = bare.replace(/[.,:;!?)\]]{1,9}$/, "");
      nodes().push(...linkOf("", address));
      at -= bare.length - address.length;
    } else if (mark !== undefined) applyMark(stack, mark as Mark, text[found.index - 1], text[at]);
    else if (emoji !== undefined) say(EMOJI[emoji] ?? found[0]);
    else nodes().push({ kind: "break" });
    token.lastIndex = at;
  }
  say(text.slice(at));
  while (stack.length > 1) closeAsText(stack);
  return stack[0];
}

/** A mark closes what the same mark has opened, if it is at the end of a word, else it opens at the start of one. */
function applyMark(stack: [Inline[], ...Open[]], mark: Mark, before = " ", after = " "): void {
  const isWord = (char: string): boolean => /[\p{L}\p{N}]/u.test(char);
  // Names with underscores are no emphasis.
  const isInWord = mark.startsWith("_") && isWord(before) && isWord(after);
  const opener = stack.findLastIndex((one) => !Array.isArray(one) && one.mark === mark);
  if (opener > 0 && /\S/.test(before) && !isInWord) {
    while (stack.length - 1 > opener) closeAsText(stack);
    const { nodes } = stack.pop() as Open;
    const into = stack.at(-1) as Inline[] | Open;
    (Array.isArray(into) ? into : into.nodes).push({ kind: MARKS[mark], inside: nodes });
  } else if (/\S/.test(after) && !isInWord && stack.length <= MAX_DEPTH) stack.push({ mark, nodes: [] });
  else {
    const top = stack.at(-1) as Inline[] | Open;
    addText(Array.isArray(top) ? top : top.nodes, mark);
  }
}

/** What was opened and never closed is text. */
function closeAsText(stack: [Inline[], ...Open[]]): void {
  const { mark, nodes } = stack.pop() as Open;
  const top = stack.at(-1) as Inline[] | Open;
  const into = Array.isArray(top) ? top : top.nodes;
  addText(into, mark);
  for (const node of nodes) {
    if (node.kind === "text") addText(into, node.text);
    else into.push(node);
  }
}

function addText(nodes: Inline[], text: string): void {
  const last = nodes.at(-1);
  if (text === "") return;
  if (last?.kind === "text") nodes[nodes.length - 1] = { kind: "text", text: last.text + text };
  else nodes.push({ kind: "text", text });
}

/** Where the code ends; undefined when it does not. */
function codeEnd(text: string, from: number, ticks: string): number | undefined {
  const end = new RegExp(`(?<!\`)${ticks}(?!\`)`, "g");
  end.lastIndex = from;
  return end.exec(text)?.index;
}

/** An address that is not http, https or mail is not linked. Images are links as well: a page loads nothing of others. */
function linkOf(label: string, href: string): readonly Inline[] {
  const inside: Inline[] = label === "" ? [{ kind: "text", text: href }] : [...labelOf(label)];
  return isSafeAddress(href) ? [{ kind: "link", href, inside }] : inside;
}

function labelOf(label: string): readonly Inline[] {
  // An address in the label of a link would be a link in a link.
  const flat = (nodes: readonly Inline[]): Inline[] =>
    nodes.flatMap((node): Inline[] => {
      if (node.kind === "link") return flat(node.inside);
      return "inside" in node ? [{ ...node, inside: flat(node.inside) }] : [node];
    });
  return flat(parseInline(label));
}

export function isSafeAddress(href: string): boolean {
  return URL.canParse(href) && ["http:", "https:", "mailto:"].includes(new URL(href).protocol);
}
