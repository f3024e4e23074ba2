// `npm run dev [-- flags of gantry start]`: Gantry on this machine, restarted when its code changes. The console is rebuilt
// when its sources change, and open pages reload. Everything in the data folder (.data, or --data) is kept.

import { fileURLToPath } from "node:url";
import { buildConsoleForDev } from "./console.ts";
import { RestartedProcess } from "./restarted-process.ts";
import { watchFolders } from "./watch.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** Folders and files whose code the processes load. */
const PROCESS_FOLDERS = [
  "core",
  "runtime",
  "wire",
  "journal",
  "connectors",
  "pipelines",
  "task-agent",
  "task-runner",
  "notify-agent",
  "portal-api",
  "cli",
  "lab/fakes",
  "lab/start.ts",
];
/** What the console is built from. core and wire are here, too: the console imports from them. */
const CONSOLE_FOLDERS = ["console/src", "core", "wire"];

const print = (line: string): void => void process.stderr.write(`dev: ${line}\n`);
const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => stop.abort());

const buildConsole = async (): Promise<void> => {
  try {
    print(`console built in ${await buildConsoleForDev()} ms`);
  } catch (error) {
    print(`the console was not built, the last build stays: ${(error as Error).message}`);
  }
};

await buildConsole();
// `cli/gantry` takes `node` from the PATH, which `npm run` sets to that of the project.
// The demo runs, or is shown again, at the first start only.
const argv = [`${ROOT}cli/gantry`, "start", ...process.argv.slice(2)];
const gantry = new RestartedProcess(argv, ["--no-demo"], print);
gantry.start();
watchFolders(ROOT, CONSOLE_FOLDERS, stop.signal, () => buildConsole());
watchFolders(ROOT, PROCESS_FOLDERS, stop.signal, (path) => {
  print(`${path} has changed, Gantry restarts`);
  return gantry.restart();
});
stop.signal.addEventListener("abort", () => void gantry.stop());
