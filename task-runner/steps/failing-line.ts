// Finds the line of a script's output that says what went wrong, so that people read it without opening the log. This is a
// guess, made while the output streams by: the first line that is clearly an error, else the first that sounds like one,
// else the last line that is not progress. A progress bar that is overwritten in place counts as many lines. Pure.

import { oneLine } from "@gantry/core/log/annotation.ts";
import { readCommands } from "@gantry/core/log/commands.ts";
import { truncate } from "@gantry/core/truncate.ts";

export type FailingLine = {
  readonly push: (bytes: Uint8Array) => void;
  /** The best guess so far. */
  readonly line: () => string | undefined;
  /** Whether that line looks like an error, or is only the last one. */
  readonly isError: () => boolean;
};

const MAX_LINE = 500;

/** Begins a group of the log as `::group::` does: the failure is in the last group that began. */
const GROUP = /^##\[group\]/;

/** How compilers, test runners and shells begin or label an error. */
const ERROR_LINES = [
  /^\s*(?:--- )?(not ok|fail|failed|failure|fatal|error|err!|panic|✖|✗|×|✘|❌)(\b|[:!\s])/i,
  /\b(error|fatal|panic|exception)(\[[\w-]+\])?:/i,
  /(Error|Exception)(:|$)/,
  /\berror [A-Z]+\d+:/,
  /^npm (error|ERR!)/,
  /^Traceback /,
  /\b(command not found|no such file or directory|permission denied|segmentation fault)\b/i,
];

/** They are also in lines about something else, or follow from an error. */
const VAGUE_LINES = [/^make(\[\d+\])?: \*\*\*/, /\b(cannot find|could not|unable to)\b/i, /\bfailed\b(?!\.\w)/i];

/** They name an error that a later line explains. */
const CODE_LINES = [/^npm (error|ERR!) (code|errno|syscall|path)\b/];

/** Matches one of the patterns above but reports success, or is only a warning. */
const HARMLESS = [
  /\b(0|no|without) (errors?|failures?|failed|warnings?)\b/i,
  /\b(errors?|failures?|failed|fail)( \w+)?[:=\s]+0\b/i,
  /^\s*(✔|✓|ok\b|pass(ed)?\b)/i,
  /(\.\.\. ?ok|\bPASS(ED)?)\s*(\(.*\))?$/,
  // What `set -x` prints is a command, not its result.
  /^\++ /,
  // Conditionals, and failures that were ignored.
  /\bif (it|this|that|the|any)\b.*\bfail/i,
  /^\s*(warning|warn|info|debug|note)\b/i,
];

/** What moves the cursor back: the text before it is overwritten. Colours do not, and neither does erasing what follows. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control sequences are what is looked for.
const LINE_BREAK = /\r?\n|\r+|\u0008+|\u001b\[\d*(?:;\d*)?[ABEFGHJf]|\u001b\[[12]K/;

/** A percentage, a bar or a spinner: it says how far the work is, not how it ended. */
const PROGRESS = [
  /(^|[\s[(])\d{1,3}([.,]\d+)?\s?%/,
  /[#=\-.>*█▉▊▋▌▍▎▏░▒▓━╸╺─╍]{6,}/u,
  /^\s*[|/\\⠀-⣿◐◓◑◒◴◷◶◵.-]+(\s|$)/u,
  // curl: two percentages, sizes, speeds and three clocks.
  /^\s*\d+\s+[\d.]+[kMGTP]?\s+\d+\s.*(\d+:\d\d:\d\d|--:--:--)/,
];

/** A percentage in these says why the work ended. */
const FULL = /\b(full|in use|exceed\w*|cannot|out of|below|less than|required?|threshold|coverage)\b/i;

/** A heading of an error: the line that follows it says more. */
const HEADING = /^Traceback /;

export function findFailingLine(): FailingLine {
  const decoder = new TextDecoder();
  let rest = "";
  let first: string | undefined;
  let vague: string | undefined;
  let last: string | undefined;
  let progress: string | undefined;
  /** In a Python traceback the error is the first line after it that is not indented. */
  let inTraceback = false;
  const commandOf = readCommands();

  const look = (raw: string): void => {
    const line = plain(raw);
    const command = commandOf(line);
    if (command?.name === "error") {
      first ??= oneLine(command.message) || undefined;
      return;
    }
    if (command !== undefined && command.name !== "group") return;
    if (command !== undefined || GROUP.test(line)) {
      first = undefined;
      vague = undefined;
      last = undefined;
      progress = undefined;
      return;
    }
    if (line.trim() === "") return;
    const isBar = PROGRESS.some((pattern) => pattern.test(line)) && !FULL.test(line);
    if (isBar && !isMatch(ERROR_LINES, line) && !isMatch(VAGUE_LINES, line)) {
      progress = line;
      return;
    }
    last = line;
    if (first !== undefined) return;
    if (HEADING.test(line)) inTraceback = true;
    else if (isMatch(CODE_LINES, line)) vague ??= line;
    else if (inTraceback ? !/^\s/.test(line) : isMatch(ERROR_LINES, line)) first = line;
    else if (isMatch(VAGUE_LINES, line)) vague ??= line;
  };
  const end = (): void => {
    if (rest !== "") look(rest);
    rest = "";
  };

  return {
    push: (bytes) => {
      const lines = (rest + decoder.decode(bytes, { stream: true })).split(LINE_BREAK);
      // Only the beginning of a line without an end is kept.
      rest = (lines.pop() ?? "").slice(0, 2 * MAX_LINE);
      for (const line of lines) look(line);
    },
    line: () => {
      end();
      const line = first ?? vague ?? last ?? progress;
      return line === undefined ? undefined : truncate(line.trim(), MAX_LINE);
    },
    isError: () => {
      end();
      return (first ?? vague) !== undefined;
    },
  };
}

function isMatch(patterns: readonly RegExp[], line: string): boolean {
  return patterns.some((pattern) => pattern.test(line)) && !HARMLESS.some((pattern) => pattern.test(line));
}

/** Colours, titles of windows, addresses of links, character sets, and single control characters. */
const CONTROLS =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed.
  /(?:\u001b\[|\u009b)[0-9;?]*[ -/]*[@-~]|(?:\u001b\]|\u009d)[^\u0007\u001b\u009c]*(?:\u0007|\u001b\\|\u009c|$)|\u001b[ -/]+[0-~]|[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

function plain(line: string): string {
  return truncate(line, 2 * MAX_LINE).replace(CONTROLS, "");
}
