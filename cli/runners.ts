// `gantry runners`: lists runners, and takes them out of service and back.

import { parseArgs } from "node:util";
import { page, type RunnerView, runnerView } from "@gantry/wire/agent/views.ts";
import type { Io } from "./io.ts";
import { PORTAL_FLAGS, PORTAL_HELP, portalFor } from "./portal-access.ts";

const HELP = `Usage: gantry runners                   list the runners of all sites
       gantry runners remove NAME       take one out of service, e.g. one that is gone for good
       gantry runners readmit NAME      let it register again

${PORTAL_HELP}`;

export async function runners(argv: readonly string[], io: Io): Promise<number> {
  const read = readArguments(argv);
  if (typeof read === "string") {
    (read === "" ? io.stdout : io.stderr)(`${read === "" ? "" : `${read}\n\n`}${HELP}`);
    return read === "" ? 0 : 2;
  }
  const portal = portalFor(read, io);
  const path = `/v1/runners/${encodeURIComponent(read.name)}`;
  if (read.verb === "remove") {
    await portal.delete(path);
    io.stdout(`${read.name} is out of service. \`gantry runners readmit ${read.name}\` takes it back.\n`);
    return 0;
  }
  if (read.verb === "readmit") {
    await portal.change(`${path}/readmit`);
    io.stdout(`${read.name} may register again.\n`);
    return 0;
  }
  const { items } = await portal.get("/v1/runners", page(runnerView));
  io.stdout(read.json ? `${JSON.stringify(items, null, 2)}\n` : table(items));
  return 0;
}

function table(items: readonly RunnerView[]): string {
  if (items.length === 0) return "No runner is registered.\n";
  const width = Math.max(...items.map(({ name }) => name.length));
  return items
    .map(
      ({ name, site, state, lastHeardAt }) => `${name.padEnd(width)}  ${site}  ${state}, last heard ${lastHeardAt}\n`,
    )
    .join("");
}

type Arguments = {
  readonly verb: "list" | "remove" | "readmit";
  readonly name: string;
  readonly portal: string | undefined;
  readonly data: string;
  readonly json: boolean;
};

/** The arguments, an empty text for `--help`, or an error message. */
function readArguments(argv: readonly string[]): Arguments | string {
  try {
    const { values, positionals } = parseArgs({ args: [...argv], allowPositionals: true, options: PORTAL_FLAGS });
    if (values.help) return "";
    const [verb = "list", name = "", ...more] = positionals;
    if (verb !== "list" && verb !== "remove" && verb !== "readmit") return `Unknown command: gantry runners ${verb}`;
    if (more.length > 0 || (verb === "list") !== (name === ""))
      return `Wrong number of arguments for \`gantry runners ${verb}\`.`;
    return { verb, name, portal: values.portal, data: values.data, json: values.json };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
