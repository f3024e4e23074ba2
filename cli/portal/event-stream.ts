// Reads a stream of server-sent events.

import { GantryError } from "@gantry/core/errors.ts";
import { connectionProblem } from "@gantry/core/system-error-words.ts";

export type StreamFrame = { readonly id: string | undefined; readonly event: string; readonly data: string };

/** Ends when the response ends; a frame without its empty line is dropped. Rejects with `unavailable` when the connection is lost. */
export async function* streamFrames(response: Response): AsyncGenerator<StreamFrame> {
  if (!response.body) return;
  let rest = "";
  for await (const text of textOf(response.body)) {
    const blocks = `${rest}${text}`.split("\n\n");
    rest = blocks.pop() ?? "";
    for (const block of blocks) {
      const frame = frameOf(block);
      if (frame) yield frame;
    }
  }
}

async function* textOf(body: NonNullable<Response["body"]>): AsyncGenerator<string> {
  try {
    yield* body.pipeThrough(new TextDecoderStream());
  } catch (cause) {
    const problem = connectionProblem(cause);
    throw new GantryError("unavailable", { what: "The portal", problem }, { cause });
  }
}

/** Undefined for a comment, which only keeps the connection open. */
function frameOf(block: string): StreamFrame | undefined {
  const fields = block.split("\n").flatMap((line): (readonly [string, string])[] => {
    const at = line.indexOf(":");
    return at < 1 ? [] : [[line.slice(0, at), line.slice(at + 1).replace(/^ /, "")]];
  });
  const data = fields.filter(([name]) => name === "data").map(([, value]) => value);
  if (data.length === 0) return undefined;
  const last = (name: string): string | undefined => fields.findLast(([one]) => one === name)?.[1];
  return { id: last("id"), event: last("event") ?? "message", data: data.join("\n") };
}
