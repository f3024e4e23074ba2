// Finds the lines of a program's output that may be commands (core/log/commands.ts) before anything else sees them: a value
// that `::add-mask::` names must not reach the log. Only lines that begin with `::` are held back until they are complete.

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const COLON = 0x3a;
const SPACES: readonly number[] = [0x20, 0x09];
/** A longer line is no command. */
export const MAX_COMMAND_LINE = 65_536;

export type CommandLines = {
  /** The bytes for the log so far. */
  readonly push: (bytes: Uint8Array) => Uint8Array;
  /** The bytes of a last line without a line break. */
  readonly end: () => Uint8Array;
};

export type LineHandler = {
  /** Gets a line that begins with `::`, without its line break. Returns the text that the log gets instead, if any. */
  readonly take: (line: string) => string | undefined;
  /** Gets the beginning of such a line that is too long. With a text, the log gets the text instead of the whole line. */
  readonly tooLong: (start: string) => string | undefined;
};

const NOTHING = new Uint8Array(0);

export function findCommandLines({ take, tooLong }: LineHandler): CommandLines {
  /** `dropping`: the rest of the line does not reach the log. */
  let state: "start" | "inside" | "dropping" = "start";
  /** The beginning of a line that may be a command. */
  let held: Uint8Array = NOTHING;

  const push = (bytes: Uint8Array): Uint8Array => {
    const data = held.length === 0 ? bytes : Buffer.concat([held, bytes]);
    held = NOTHING;
    const out: Uint8Array[] = [];
    let copied = 0;
    const replace = (from: number, to: number, text: string): void => {
      out.push(data.subarray(copied, from), Buffer.from(text));
      copied = to;
    };
    for (let at = 0; at < data.length; ) {
      const feed = data.indexOf(LINE_FEED, at);
      const end = feed < 0 ? data.length : feed;
      if (state === "start" && mayBeCommand(data, at)) {
        if (feed < 0 && end - at <= MAX_COMMAND_LINE) {
          out.push(data.subarray(copied, at));
          // The caller may reuse its buffer.
          held = Buffer.from(data.subarray(at));
          return joined(out);
        }
        const isLong = end - at > MAX_COMMAND_LINE;
        const textEnd = !isLong && data[end - 1] === CARRIAGE_RETURN ? end - 1 : end;
        const line = textOf(data.subarray(at, Math.min(textEnd, at + MAX_COMMAND_LINE)));
        const instead = isLong ? tooLong(line) : take(line);
        if (instead !== undefined) replace(at, textEnd, instead);
        state = instead !== undefined && isLong ? "dropping" : "inside";
      } else if (state === "dropping") replace(at, end, "");
      else state = "inside";
      if (feed >= 0) state = "start";
      at = end + (feed < 0 ? 0 : 1);
    }
    if (copied === 0) return data;
    out.push(data.subarray(copied));
    return joined(out);
  };

  return {
    push,
    end: () => {
      const line = held;
      held = NOTHING;
      if (line.length === 0) return line;
      const instead = take(textOf(line));
      return instead === undefined ? line : Buffer.from(instead);
    },
  };
}

/** Whether the line that begins here begins with `::`, as far as it is known. */
function mayBeCommand(data: Uint8Array, start: number): boolean {
  let at = start;
  while (SPACES.includes(data[at] ?? -1) && at - start < MAX_COMMAND_LINE) at += 1;
  const isColon = (index: number): boolean => index >= data.length || data[index] === COLON;
  return isColon(at) && isColon(at + 1);
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8");
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return parts.length === 1 ? (parts[0] ?? NOTHING) : Buffer.concat(parts);
}
