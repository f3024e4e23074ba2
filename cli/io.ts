// What a command may use of the world: its streams, files it is told to read, and the environment.

export type Io = {
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  readonly readFile: (path: string) => string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Is stdout a terminal? */
  readonly tty: boolean;
};
