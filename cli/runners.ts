// `gantry runners`: lists runners, enrols them, and takes them out of service and back.

import { parseFlags } from "@gantry/runtime/process/parse-flags.ts";
import { enrolmentView } from "@gantry/wire/agent/agent-api.ts";
import { page, type RunnerView, runnerView } from "@gantry/wire/agent/views.ts";
import { z } from "zod";
import type { Io } from "./io.ts";
import { PORTAL_FLAGS, PORTAL_HELP, type PortalFlags, portalFlagsOf, portalFor } from "./portal-access.ts";

const HELP = `Usage: gantry runners                   list the runners of all sites
       gantry runners enrol SITE [NAME] [--new-site]
                                        create a one-time token for a new runner, with NAME only for this one. The first runner
                                        of a site needs --new-site: a misspelled site is refused
       gantry runners renew-key NAME    end the key of a runner and create a one-time token for a new one
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
  if (read.verb === "enrol") {
    const request = {
      site: read.name,
      ...(read.runner === undefined ? {} : { runner: read.runner }),
      ...(read.newSite ? { newSite: true } : {}),
    };
    const enrolment = await portal.post("/v1/enrolments", request, withCommand);
    io.stdout(read.json ? `${JSON.stringify(enrolment, null, 2)}\n` : enrolText(enrolment));
    return 0;
  }
  if (read.verb === "renew-key") {
    const enrolment = await portal.post(`${path}/renew-key`, {}, withCommand);
    io.stdout(read.json ? `${JSON.stringify(enrolment, null, 2)}\n` : `${ENDED}${enrolText(enrolment)}`);
    return 0;
  }
  const { items } = await portal.get("/v1/runners", page(runnerView));
  io.stdout(read.json ? `${JSON.stringify(items, null, 2)}\n` : table(items));
  return 0;
}

const withCommand = enrolmentView.extend({ command: z.string() });
type Enrolment = z.infer<typeof withCommand>;

const ENDED = "The key before is invalid now, at every task-agent.\n";

function enrolText({ site, runner, token, expiresAt, command }: Enrolment): string {
  return `A token for ${runner === undefined ? "one runner" : `runner ${runner}`} of site ${site}, until ${expiresAt}:

  enrol: ${token}

Write this line into the configuration of the runner in place of \`token\` or of an earlier \`enrol\`, and start it. Or start it with

  ${command}

It makes a key of its own in its data folder; the token is then of no further use.
`;
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

const VERBS = ["list", "enrol", "renew-key", "remove", "readmit"] as const;
type Verb = (typeof VERBS)[number];

type Arguments = PortalFlags & {
  readonly verb: Verb;
  /** Of a runner; of a site for `enrol`. */
  readonly name: string;
  /** For `enrol`: the only runner that may use the token. */
  readonly runner: string | undefined;
  readonly newSite: boolean;
  readonly json: boolean;
};

/** The arguments, an empty text for `--help`, or an error message. */
function readArguments(argv: readonly string[]): Arguments | string {
  try {
    const { values, positionals } = parseFlags(argv, {
      ...PORTAL_FLAGS,
      "new-site": { type: "boolean", default: false },
    });
    if (values.help) return "";
    const [given = "list", name = "", runner, ...more] = positionals;
    const verb = VERBS.find((one) => one === given);
    if (verb === undefined) return `Unknown command: gantry runners ${given}`;
    const tooMany = more.length > 0 || (runner !== undefined && verb !== "enrol");
    if (tooMany || (verb === "list") !== (name === ""))
      return `Wrong number of arguments for \`gantry runners ${verb}\`.`;
    if (values["new-site"] && verb !== "enrol") return `\`gantry runners ${verb}\` has no flag --new-site.`;
    return {
      verb,
      name,
      runner,
      newSite: values["new-site"],
      json: values.json,
      ...portalFlagsOf(values),
    };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
