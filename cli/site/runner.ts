// `gantry runner`: lists runners, enrols them, and takes them out of service and back.

import { enrolmentView } from "@gantry/wire/agent/agent-api.ts";
import { runnerView } from "@gantry/wire/agent/sites/views.ts";
import { page } from "@gantry/wire/agent/views.ts";
import { z } from "zod";
import { shortTime, textTable } from "../print/text-table.ts";
import type { Call, Outcome } from "../table/command.ts";

type OfRunner = Call<object, readonly [name: string]>;

export async function listRunners({ portal }: Call): Promise<Outcome> {
  const { items } = await portal().get("/v1/runners", page(runnerView));
  const rows = items.map(({ name, site, state, asked, busy, slots, lastHeardAt, version, running = [] }) => {
    const jobs = running.map(({ task, job }) => `${task} ${job}`).join(", ");
    const shown = asked ? `${state}, ${asked.state}` : state;
    return [name, site, shown, `${busy}/${slots}`, shortTime(lastHeardAt), version, jobs];
  });
  const text = textTable(["RUNNER", "SITE", "STATE", "BUSY", "LAST HEARD (UTC)", "VERSION", "RUNS"], rows);
  return { value: items, text: rows.length === 0 ? "No runner is registered.\n" : text };
}

/** With a name, the token is only for the runner of this name. */
export async function enrolRunner({
  portal,
  flags,
  args: [site, runner],
}: Call<{ readonly "new-site": boolean }, readonly [string, string | undefined]>): Promise<Outcome> {
  const request = {
    site,
    ...(runner === undefined ? {} : { runner }),
    ...(flags["new-site"] ? { newSite: true } : {}),
  };
  const enrolment = await portal().post("/v1/enrolments", request, withCommand);
  return { value: enrolment, text: enrolText(enrolment) };
}

export async function renewKey({ portal, args: [name] }: OfRunner): Promise<Outcome> {
  const enrolment = await portal().post(`${pathOf(name)}/renew-key`, {}, withCommand);
  return { value: enrolment, text: `${ENDED}${enrolText(enrolment)}` };
}

export async function removeRunner({ portal, args: [name] }: OfRunner): Promise<Outcome> {
  await portal().delete(pathOf(name), z.undefined());
  return { value: { name }, text: `${name} is out of service. \`gantry runner readmit ${name}\` takes it back.\n` };
}

export async function readmitRunner({ portal, args: [name] }: OfRunner): Promise<Outcome> {
  await portal().change(`${pathOf(name)}/readmit`);
  return { value: { name }, text: `${name} may register again.\n` };
}

function pathOf(name: string): string {
  return `/v1/runners/${encodeURIComponent(name)}`;
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
