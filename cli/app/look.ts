// `gantry app adopt --from`: Gantry looks at the repositories of an app, shows what it would adopt and where it found it, and adopts
// it if a person agrees. With --write, and for many at once, it writes a file for `gantry app apply`.

import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { undeclaredText } from "@gantry/core/app/known-environments.ts";
import { counted } from "@gantry/core/count.ts";
import { explain, GantryError } from "@gantry/core/errors.ts";
import type { JsonObject, JsonValue } from "@gantry/core/json.ts";
import { withOption } from "@gantry/core/proposal/proposal.ts";
import { fileProblem } from "@gantry/core/system-error-words.ts";
import { appOutcome } from "@gantry/wire/agent/agent-api.ts";
import { type AppProposal, appProposal } from "@gantry/wire/agent/proposals.ts";
import { appView } from "@gantry/wire/agent/views.ts";
import type { PortalClient } from "../client.ts";
import type { Io } from "../io.ts";
import { EXIT, exitCodeOf } from "../line/exit-codes.ts";
import type { Call, Outcome } from "../table/command.ts";
import { UsageError } from "../table/command.ts";
import { continues } from "../task/follow-task.ts";
import { fileText, type LookRequest, optionInWords, placeInWords, planText, requestOf } from "./decide-look.ts";
import { sharedInWords } from "./decide-shared.ts";

export type LookFlags = {
  readonly from: string | undefined;
  readonly "from-file": string | undefined;
  readonly yaml: string | undefined;
  readonly branch: string | undefined;
  readonly folder: string | undefined;
  readonly name: string | undefined;
  readonly team: string | undefined;
  readonly site: string | undefined;
  readonly write: string | undefined;
  readonly yes: boolean;
};
type LookCall = Call<LookFlags>;

const WAIT_MS = 25_000;
/** Looks at a time. Each is a task that uses the runners of the sites. */
const AT_ONCE = 4;
/** After which a look is tried again that exceeds the limit of tasks per minute. */
const PAUSE_MS = 10_000;

export async function lookAndAdopt(call: LookCall): Promise<Outcome | number> {
  const { flags, io } = call;
  const several = flags["from-file"];
  if (several !== undefined) return lookAtMany(call, several);
  const request = requestOf({ ...flags, from: flags.from ?? "" });
  const signal = io.interruption();
  const portal = call.portal(signal);
  const started = await portal.post("/v1/app-proposals", request, appProposal);
  if (!call.json) io.stderr(`Looking at ${request.source.project}/${request.source.slug} …\n`);
  try {
    const ended = await untilEnded(portal, started);
    return await decide(call, portal, flags.write === undefined ? ended : await withKnown(portal, ended));
  } catch (error) {
    if (!signal.aborted) throw error;
    io.stderr(continues(started.id));
    return EXIT.interrupted;
  }
}

async function untilEnded(portal: PortalClient, started: AppProposal): Promise<AppProposal> {
  let proposal = started;
  while (proposal.state === "running")
    proposal = await portal.get(`/v1/app-proposals/${encodeURIComponent(started.id)}?wait=${WAIT_MS}`, appProposal);
  return proposal;
}

/** `gantry app apply` changes an app that exists. One that the person may not see is refused there. */
async function withKnown(portal: PortalClient, proposal: AppProposal): Promise<AppProposal> {
  const { name, warnings } = proposal;
  try {
    await portal.get(`/v1/apps/${encodeURIComponent(name)}`, appView);
  } catch (error) {
    if (error instanceof GantryError && error.code === "app-unknown") return proposal;
    throw error;
  }
  const known = `The app ${name} exists already. \`gantry app apply\` would change it to what is written here, and remove its other fields.`;
  return { ...proposal, warnings: [...warnings, known] };
}

async function decide(call: LookCall, portal: PortalClient, proposal: AppProposal): Promise<Outcome | number> {
  const { flags, io, json } = call;
  if (proposal.state === "failed") {
    const text = `Nothing could be proposed for ${proposal.name}: ${proposal.problem ?? ""}\n`;
    return { value: proposal, text, code: EXIT.failed };
  }
  if (json && flags.write === undefined && !flags.yes) return { value: proposal, text: "", code: EXIT.ok };
  if (!json) io.stdout(planText(proposal));
  const isAsking = io.ask !== undefined && !json && !flags.yes;
  const app = isAsking ? await chooseAll(io, proposal) : (proposal.app ?? {});
  if (flags.write !== undefined) {
    writeNew(flags.write, fileText([{ ...proposal, app }]));
    const text = `${flags.write} is written. Nothing is adopted yet: gantry app apply -f ${flags.write} --dry-run\n`;
    return { value: { ...proposal, app, file: flags.write }, text };
  }
  const missing = proposal.open.filter(({ kind }) => kind === "missing");
  if (missing.length > 0) {
    const todo = `Nothing is adopted: ${missing.map((one) => placeInWords(one.pointer)).join(", ")} must be given. --write FILE writes what was found, to complete it.\n`;
    return { value: proposal, text: todo, code: EXIT.failed };
  }
  const refused = await refusalOf(io, portal, proposal.name, app);
  if (refused) return exitCodeOf(refused.code);
  if (!flags.yes && !(isAsking && (await agrees(io, proposal.name)))) {
    const text = `Nothing is adopted.${isAsking ? "" : " --yes adopts it as it is, --write FILE writes it, to change it."}\n`;
    return { value: { ...proposal, app }, text };
  }
  const { app: adopted } = await adopt(portal, proposal.name, app, false);
  const text = `The app ${proposal.name} is adopted. Build it: gantry ci ${proposal.name} --follow\n`;
  return { value: adopted, text };
}

/** Asks for what is unclear. */
async function chooseAll(io: Pick<Io, "ask" | "stdout">, { app = {}, open }: AppProposal): Promise<JsonObject> {
  let chosen: JsonObject = app;
  for (const one of open.filter(({ kind, options }) => kind === "unclear" && options.length > 1)) {
    const options = one.options.map((option, at) => `  ${at + 1}  ${optionInWords(option)}\n`);
    io.stdout(`\n${placeInWords(one.pointer)}: ${one.problem}\n${options.join("")}`);
    const answer = Number(await io.ask?.("Which one?", "1"));
    const option: JsonValue | undefined = one.options[Number.isInteger(answer) ? answer - 1 : -1];
    if (option === undefined) throw new UsageError(`The answer must be a number from 1 to ${one.options.length}`);
    chosen = withOption(chosen, one, option);
  }
  return chosen;
}

async function agrees(io: Pick<Io, "ask">, name: string): Promise<boolean> {
  const answer = await io.ask?.(`Adopt ${name}? Nothing outside of Gantry changes. yes or no`, "no");
  return /^y(?:es)?$/i.test(answer?.trim() ?? "");
}

/** What the portal would refuse is shown before anybody is asked. */
async function refusalOf(
  io: Io,
  portal: PortalClient,
  name: string,
  app: JsonObject,
): Promise<GantryError | undefined> {
  try {
    const { shared = [], app: planned } = await adopt(portal, name, app, true);
    const { undeclared = [] } = planned;
    if (undeclared.length > 0) io.stderr(`Note: ${undeclaredText(undeclared)}.\n`);
    for (const one of shared) io.stderr(`Warning: ${sharedInWords(one)}.\n`);
    return undefined;
  } catch (error) {
    if (!(error instanceof GantryError) || ["unauthenticated", "unavailable"].includes(error.code)) throw error;
    io.stderr(refusalText(error));
    return error;
  }
}

function refusalText(error: GantryError): string {
  const { message, why, todo } = explain(error);
  const places = error.problems.map(
    ({ pointer = "", detail }) => `  ${placeInWords(pointer.replace(/^\/app(?=\/)/, ""))}: ${detail}\n`,
  );
  return `\nThe portal would refuse it: ${[message, why, todo].join(" ")}\n${places.join("")}`;
}

function adopt(portal: PortalClient, name: string, app: JsonObject, dryRun: boolean) {
  return portal.post("/v1/apps", { adopt: true, name, app, dryRun }, appOutcome, randomUUID());
}

type Looked = { readonly line: string; readonly proposal?: AppProposal; readonly problem?: string };

async function lookAtMany(call: LookCall, list: string): Promise<Outcome | number> {
  const { flags, io } = call;
  if (flags.write === undefined) throw new UsageError("--from-file needs --write FILE");
  const lines = linesOf(list, io);
  const requests = lines.map((line) => ({ line, request: requestOf({ ...flags, ...lineFlags(line) }) }));
  const signal = io.interruption();
  const portal = call.portal(signal);
  const looked: Looked[] = [];
  const queue = requests.entries();
  const worker = async (): Promise<void> => {
    for (const [at, { line, request }] of queue) {
      const one = { line, ...(await lookOnce(portal, request, signal)) };
      looked[at] = one;
      io.stderr(`${line}: ${resultText(one)}\n`);
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, requests.length) }, worker));
  const found = looked.flatMap(({ proposal }) => (proposal?.app ? [proposal] : []));
  writeNew(flags.write, fileText(found));
  const failed = looked.length - found.length;
  const text = `${counted(found.length, "app")} in ${flags.write}${failed > 0 ? `, ${failed} without a proposal` : ""}. Read it, then: gantry app apply -f ${flags.write} --dry-run\n`;
  return { value: looked, text, code: failed > 0 ? EXIT.failed : EXIT.ok };
}

async function lookOnce(
  portal: PortalClient,
  request: LookRequest,
  signal: AbortSignal,
): Promise<Omit<Looked, "line">> {
  for (;;) {
    try {
      const proposal = await untilEnded(portal, await portal.post("/v1/app-proposals", request, appProposal));
      if (proposal.state === "failed") return { problem: proposal.problem ?? "" };
      return { proposal: await withKnown(portal, proposal) };
    } catch (error) {
      if (!(error instanceof GantryError) || ["unauthenticated", "unavailable"].includes(error.code)) throw error;
      if (error.code !== "too-many") {
        const { message, why } = explain(error);
        return { problem: `${message} ${why}` };
      }
      await setTimeout(PAUSE_MS, undefined, { signal });
    }
  }
}

function resultText({ proposal, problem = "" }: Looked): string {
  if (!proposal) return `nothing could be proposed: ${problem}`;
  const open = proposal.open.filter(({ kind }) => kind !== "optional").length;
  return open === 0 ? "found" : `found, ${open} to decide`;
}

function linesOf(file: string, io: Io): readonly string[] {
  try {
    const lines = io
      .readFile(file)
      .split("\n")
      .map((line) => line.replace(/#.*$/, "").trim());
    const named = lines.filter((line) => line !== "");
    if (named.length === 0) throw new UsageError(`${file} names no repository`);
    return named;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new GantryError("argument-unusable", { argument: file, problem: fileProblem(error) }, { cause: error });
  }
}

/** `bitbucket/SHOP/orders yaml=SHOP/deployments name=orders` */
function lineFlags(line: string): { readonly from: string } & Partial<LookFlags> {
  const [from = "", ...rest] = line.split(/\s+/);
  const given = rest.map((part) => {
    const [name = "", ...value] = part.split("=");
    if (!["yaml", "branch", "folder", "name", "team", "site"].includes(name) || value.length === 0)
      throw new UsageError(`${line}: ${part} must be yaml=, branch=, folder=, name=, team= or site= with a value`);
    return [name, value.join("=")] as const;
  });
  return { from, ...Object.fromEntries(given) };
}

/** Never replaces a file: a person may have completed it. */
function writeNew(file: string, text: string): void {
  try {
    writeFileSync(file, text, { flag: "wx" });
  } catch (error) {
    throw new GantryError("argument-unusable", { argument: file, problem: fileProblem(error) }, { cause: error });
  }
}
