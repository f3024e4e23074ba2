// The document format of Jira Cloud: plain text as paragraphs.

/** Empty lines separate paragraphs; other line ends are kept as breaks. */
export function adfOf(text: string): object {
  const paragraphs = text.split(/\n{2,}/).filter((part) => part.trim() !== "");
  return { type: "doc", version: 1, content: paragraphs.map(paragraph) };
}

function paragraph(text: string): object {
  const lines = text.split("\n").map((line) => (line === "" ? [] : [{ type: "text", text: line }]));
  const content = lines.flatMap((line, at) => (at === 0 ? line : [{ type: "hardBreak" }, ...line]));
  return { type: "paragraph", content };
}
