// Reads the elements of an XML file one after the other. The files are written by programs of others: nothing that a DOCTYPE
// declares is used, and depth and text are limited.

import sax from "sax";

export type Element = { readonly name: string; readonly attributes: { readonly [name: string]: string } };

export type Visitor = {
  /** `depth`: 0 for the root. */
  readonly open?: (element: Element, depth: number) => void;
  readonly close?: (name: string, depth: number) => void;
  /** The text is at most 64 KiB long; longer ones come in parts. */
  readonly text?: (text: string) => void;
};

const MAX_DEPTH = 200;
/** Class paths in properties, and messages that compare large texts, are longer than the parser takes by itself. */
Object.assign(sax, { MAX_BUFFER_LENGTH: 4 * 1_048_576 });

/** A sentence without a full stop if it is not well-formed, or nested too deeply. */
export function visitXml(text: string, visitor: Visitor): string | undefined {
  // Entities of a DOCTYPE are not known to this parser, so `&other;` is an error.
  const parser = sax.parser(true, { position: true });
  const written = withoutControls(text);
  let depth = 0;
  let problem: string | undefined;
  const at = (): string => `line ${parser.line + 1}`;
  parser.onerror = (error) => {
    problem ??= `${at()}: ${(error.message.split("\n")[0] ?? "").toLowerCase()}`;
  };
  parser.onopentag = ({ name, attributes }) => {
    if (depth >= MAX_DEPTH) problem ??= `${at()}: elements are nested more than ${MAX_DEPTH} levels deep`;
    // Without namespaces, every attribute is a text.
    if (problem === undefined) visitor.open?.({ name, attributes: attributes as Element["attributes"] }, depth);
    depth += 1;
  };
  parser.onclosetag = (name) => {
    depth -= 1;
    if (problem === undefined) visitor.close?.(name, depth);
  };
  parser.ontext = (part) => visitor.text?.(part);
  parser.oncdata = (part) => visitor.text?.(part);
  for (let start = 0; start < written.length && problem === undefined; start += CHUNK) {
    parser.write(written.slice(start, start + CHUNK));
  }
  if (problem === undefined) parser.close();
  return problem;
}

/** XML has no entity for a control character, but tools write those of colours. */
function withoutControls(text: string): string {
  return text.replace(/&#(x[0-9a-f]{1,6}|\d{1,7});/gi, (entity, code: string) => {
    const character = Number(/^x/i.test(code) ? `0${code}` : code);
    return character < 32 && ![9, 10, 13].includes(character) ? "\uFFFD" : entity;
  });
}

/** The parser looks for too long values between two writes. */
const CHUNK = 65_536;
