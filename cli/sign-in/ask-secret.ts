// Asks for a secret at a terminal without showing what is typed.

import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";

/** Ctrl-C ends the process, as everywhere else. */
export async function askSecret(
  question: string,
  input: NodeJS.ReadStream,
  output: NodeJS.WriteStream,
): Promise<string> {
  output.write(question);
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const reader = createInterface({ input, output: silent, terminal: true });
  reader.once("SIGINT", () => {
    reader.close();
    output.write("\n");
    process.kill(process.pid, "SIGINT");
  });
  try {
    return await reader.question("");
  } finally {
    reader.close();
    output.write("\n");
  }
}
