// Finds the line of a script's output that explains its failure, so that users need not open the log. It is a guess, made
// while the output streams through: the first line that looks like an error, else the last line that is not empty. Pure.

export type FailingLine = {
  readonly push: (bytes: Uint8Array) => void;
  /** The best guess so far. */
  readonly line: () => string | undefined;
};

const MAX_LINE = 500;

/** Lines that begin a section of the log. The failure is in the last section. */
const GROUP = /^(::group::|##\[group\])/;

/** How compilers, test runners and shells mark an error. */
const ERROR_LINES = [
  /^\s*(?:--- )?(not ok|fail|failed|failure|fatal|error|err!|panic|✖|✗|×|✘|❌)(\b|[:!\s])/i,
  /\b(error|fatal|panic|exception)(\[[\w-]+\])?:/i,
  /(Error|Exception)(:|$)/,
  /\berror [A-Z]+\d+:/,
  /^npm (error|ERR!)/,
  /^make(\[\d+\])?: \*\*\*/,
  /^Traceback /,
  /\b(command not found|no such file or directory|permission denied|segmentation fault|cannot find|could not|unable to)\b/i,
  /\bfailed\b/i,
];

/** Lines that match a pattern above although they report success, or a warning only. */
const HARMLESS = [
  /\b(0|no|without) (errors?|failures?|failed|warnings?)\b/i,
  /\b(errors?|failures?|failed|fail)[:=\s]+0\b/i,
  /^\s*(✔|✓|ok\b|pass\b)/i,
  /^\s*(warning|warn|info|debug|note)\b/i,
];

/** A heading that says less than the error line after it. */
const HEADING = /^Traceback /;

export function findFailingLine(): FailingLine {
  const decoder = new TextDecoder();
  let rest = "";
  let first: string | undefined;
  let last: string | undefined;
  /** In a Python traceback, the error is the first line that is not indented. */
  let inTraceback = false;

  const inspect = (raw: string): void => {
    const line = plain(raw);
    if (GROUP.test(line)) {
      first = undefined;
      last = undefined;
      return;
    }
    if (line.trim() === "") return;
    last = line;
    if (first !== undefined) return;
    if (HEADING.test(line)) inTraceback = true;
    else if (inTraceback ? !/^\s/.test(line) : looksLikeError(line)) first = line;
  };

  return {
    push: (bytes) => {
      const lines = (rest + decoder.decode(bytes, { stream: true })).split(/\r?\n/);
      // Only the beginning of an endless line is kept.
      rest = (lines.pop() ?? "").slice(0, 2 * MAX_LINE);
      for (const line of lines) inspect(line);
    },
    line: () => {
      if (rest !== "") inspect(rest);
      rest = "";
      return (first ?? last)?.trim().slice(0, MAX_LINE);
    },
  };
}

function looksLikeError(line: string): boolean {
  return ERROR_LINES.some((pattern) => pattern.test(line)) && !HARMLESS.some((pattern) => pattern.test(line));
}

/** The line without colors and other control sequences. */
function plain(line: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to remove.
  return line.slice(0, 2 * MAX_LINE).replace(/\u001b\[[0-9;?]*[ -/]*[@-~]|[\u0000-\u0008\u000b-\u001f\u007f]/g, "");
}
