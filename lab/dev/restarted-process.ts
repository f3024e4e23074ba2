// A process that is stopped and started again when its code has changed.

import { type ChildProcess, spawn } from "node:child_process";

export class RestartedProcess {
  readonly #argv: readonly string[];
  readonly #restartFlags: readonly string[];
  readonly #print: (line: string) => void;
  #child: ChildProcess | undefined;
  #exited: Promise<void> = Promise.resolve();

  /**
   * `argv`: the program and its arguments. `restartFlags` are added from the second start on. `print` gets a line when the
   * process ends by itself.
   */
  constructor(argv: readonly string[], restartFlags: readonly string[], print: (line: string) => void) {
    this.#argv = argv;
    this.#restartFlags = restartFlags;
    this.#print = print;
  }

  start(flags: readonly string[] = []): void {
    const [program = "", ...given] = this.#argv;
    const args = [...given, ...flags];
    const child = spawn(program, args, { stdio: "inherit" });
    this.#child = child;
    this.#exited = new Promise((resolve) => {
      child.once("error", (error) => this.#print(`${program} does not start: ${error.message}`));
      child.once("close", (code) => {
        if (this.#child === child)
          this.#print(`Gantry ended with exit code ${code}; it starts again on the next change`);
        resolve();
      });
    });
  }

  /** Stops the process in an orderly way and starts it again. Resolves when the new one was started. */
  async restart(): Promise<void> {
    await this.stop();
    this.start(this.#restartFlags);
  }

  /** Resolves when the process has ended. */
  async stop(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    child?.kill("SIGTERM");
    await this.#exited;
  }
}
