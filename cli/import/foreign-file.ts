// A file of another tool as plain data, with the places of its values. Unlike our own files it may have merge keys and tags.

import { GantryError } from "@gantry/core/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "@gantry/core/json.ts";
import { isNode, LineCounter, parseDocument } from "yaml";
import type { Place } from "./notes.ts";

const MAX_CHARACTERS = 262_144;
/** A few anchors that name each other can otherwise give a value of any size. */
const MAX_ALIASES = 200;

export type Path = readonly (string | number)[];

export type ForeignFile = {
  readonly root: JsonObject;
  /** The place of a path, or of the nearest part of it that is written in the file. */
  readonly placeOf: (path: Path) => Place;
};

/** What `!reference [job, key]` of GitLab says, until it is resolved. */
export const REFERENCE = "!reference";

/** `name`: for messages. JSON is YAML, too. Throws `argument-unusable`. */
export function readForeignFile(name: string, text: string): ForeignFile {
  const unusable = (problem: string): GantryError =>
    new GantryError("argument-unusable", { argument: `The file ${name}`, problem });
  if (text.length > MAX_CHARACTERS) throw unusable(`It has more than ${MAX_CHARACTERS} characters.`);
  const lines = new LineCounter();
  const document = parseDocument(text, {
    merge: true,
    lineCounter: lines,
    prettyErrors: false,
    logLevel: "error",
    customTags: [{ tag: REFERENCE, collection: "seq", resolve: (seq) => ({ [REFERENCE]: seq.toJSON() as unknown }) }],
  });
  const [error] = document.errors;
  if (error) {
    const { line, col } = lines.linePos(error.pos[0]);
    throw unusable(`It is not YAML: ${error.message.replace(/\.$/, "")}, at line ${line}, column ${col}.`);
  }
  let root: JsonValue;
  try {
    root = JSON.parse(JSON.stringify(document.toJS({ maxAliasCount: MAX_ALIASES }) ?? null)) as JsonValue;
  } catch (cause) {
    throw new GantryError(
      "argument-unusable",
      { argument: `The file ${name}`, problem: "Its anchors and aliases are circular, or too many." },
      { cause },
    );
  }
  if (!isJsonObject(root) && !Array.isArray(root)) throw unusable("It must be a map at its top.");
  return {
    root: isJsonObject(root) ? root : { steps: root },
    placeOf: (path) => {
      for (let length = path.length; length > 0; length -= 1) {
        const node = document.getIn(path.slice(0, length), true);
        if (!isNode(node) || !node.range) continue;
        const { line, col } = lines.linePos(node.range[0]);
        return { line, column: col };
      }
      return { line: 1, column: 1 };
    },
  };
}
