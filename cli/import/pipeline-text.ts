// The text of an imported pipeline file.

import type { JsonObject } from "@gantry/core/json.ts";
import { Document, isMap, isScalar, Scalar, visit } from "yaml";
import type { Note } from "./notes.ts";

/** With what could not be carried over as a comment at its top, so that it is not lost. */
export function pipelineText(pipeline: JsonObject, from: string, notes: readonly Note[]): string {
  const document = new Document(pipeline);
  visit(document, {
    Scalar: (_, node) => {
      if (typeof node.value === "string" && node.value.includes("\n")) node.type = Scalar.BLOCK_LITERAL;
    },
  });
  const head = [` Imported from ${from}.`];
  if (notes.length > 0) {
    head.push(" Not carried over:");
    for (const { line, what } of notes) head.push(` - line ${line}: ${what}.`);
  }
  document.commentBefore = head.join("\n");
  if (isMap(document.contents)) {
    for (const { key } of document.contents.items) {
      if (isScalar(key) && (key.value === "jobs" || key.value === "finally")) key.spaceBefore = true;
    }
  }
  return document.toString({ lineWidth: 120 });
}
