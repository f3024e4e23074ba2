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
  /** All of stdin. */
  readonly readInput: () => Promise<string>;
  /** Asks a person for a secret, which is not shown; undefined when stdin is not a terminal. */
  readonly askSecret: ((question: string) => Promise<string>) | undefined;
  /** Asks a person for a line; an empty one is the default. Undefined when stdin or stdout is not a terminal. */
  readonly ask?: ((question: string, otherwise: string) => Promise<string>) | undefined;
  /** From now on Ctrl-C and SIGTERM abort this signal instead of ending the process; a second one ends it. */
  readonly interruption: () => AbortSignal;
};
