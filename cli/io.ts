// What a command may access: its streams, files and the environment.

export type Io = {
  /** Control characters in the text are shown, not sent to the terminal: much of it was written by other people. */
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  /** For text with colours; whatever other people wrote in it went through `visibleText`. Default: `stdout`. */
  readonly painted?: (text: string) => void;
  readonly readFile: (path: string) => string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether stdout is a terminal. */
  readonly tty: boolean;
};
