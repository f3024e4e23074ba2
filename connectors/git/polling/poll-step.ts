// git/poll: looks whether branches and tags of repositories have moved, and reads what a webhook would have told of it. The
// task-agent keeps what is known; a runner only compares.

import { hash } from "node:crypto";
import { explain, GantryError } from "@gantry/core/errors.ts";
import type { PolledChange } from "@gantry/core/poll/polled.ts";
import { polled, repositoryNamed } from "@gantry/core/poll/polled.ts";
import { differences, MAX_REFS_TEXT, type Refs, readRefs, refsText, wantedRefs } from "@gantry/core/poll/refs.ts";
import { type StepOutcome, succeeded } from "@gantry/core/step/outcome.ts";
import { defineStep, NO_RETRY, type StepContext } from "@gantry/core/step/step.ts";
import { z } from "zod";
import { outlastRestart } from "../../outlast.ts";
import type { GitHost } from "../host.ts";
import { listRemote, type Mirror } from "../mirror.ts";
import { openRepository, repositoryInput, withPauses } from "../step-parts.ts";
import { readChange } from "./read-change.ts";

/** As many repositories are asked at the same time. */
const AT_ONCE = 6;
/** Of one repository in one task. The rest is found by the next one. */
const MAX_CHANGES = 50;
/** Of all that one task hands over, as JSON. */
const MAX_FOUND = 200_000;

const patterns = z.array(z.string().min(1).max(250)).min(1).max(50);
const input = z.strictObject({
  system: z.string().optional().describe("Empty or absent: the only git host"),
  repositories: z
    .array(
      z
        .string()
        .max(600)
        .regex(/^[^=]+(=[0-9a-f]{64})?$/, "must be PROJECT/name, or PROJECT/name=DIGEST"),
    )
    .max(200)
    .describe("Each as PROJECT/name, or as PROJECT/name=DIGEST of the branches and tags that are known"),
  branches: patterns.default(["**"]),
  tags: patterns.default(["**"]),
  read: z.boolean().default(false).describe("Whether to read what has changed, instead of only saying where"),
  known: z
    .string()
    .default("{}")
    .describe(
      "JSON of PROJECT/name → branches and tags with their commits. A repository that is not in it is read for the first time",
    ),
});
type Context = StepContext<z.output<typeof input>, "git">;
type Found = z.output<typeof polled>["found"][number];

export const poll = defineStep({
  name: "git/poll",
  title: "Poll repositories",
  input,
  output: polled,
  needs: ["git"],
  acts: ({ system, repositories }) =>
    repositories.map((one) => ({
      kind: "repository",
      access: "read",
      ...(system ? { system } : {}),
      ...repositoryNamed(withoutDigest(one)),
    })),
  // What a host that restarts answers is the result for its repositories: the next poll asks again.
  looksOnly: true,
  effects: [],
  // The next poll is the retry.
  retry: NO_RETRY,
  timeoutMs: 10 * 60_000,
  plan: async () => [],
  run: (context) => outlastRestart(context, () => withPauses(() => pollAll(context))),
});

async function pollAll(context: Context): Promise<StepOutcome<z.output<typeof polled>>> {
  const { repositories, read } = context.input;
  const known = knownRefs(context.input.known);
  const names = [...repositories];
  const looked: Looked[] = [];
  const worker = async (): Promise<void> => {
    for (let one = names.shift(); one !== undefined; one = names.shift())
      looked.push(await look(context, one).catch((error: unknown) => failedAt(withoutDigest(one), error)));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  const changed = looked.filter((one): one is Changed => "refs" in one);
  const failed = looked.flatMap((one) => ("problem" in one ? [one] : []));
  const found: Found[] = [];
  let size = 0;
  for (const one of read ? changed : []) {
    const result = await readOne(context, one, known.get(one.repository));
    size += JSON.stringify(result).length;
    // The rest is found by the next task: it is still not known.
    if (size > MAX_FOUND && found.length > 0) break;
    found.push(result);
  }
  for (const { repository, problem } of failed) context.log(`${repository}: ${problem}`);
  context.log(`${repositories.length} looked at, ${changed.length} changed, ${failed.length} could not be read`);
  const { provider } = context.system("git", context.input.system || undefined);
  return succeeded({ changed: changed.map(({ repository }) => repository).toSorted(), found, failed, provider });
}

type Changed = {
  readonly repository: string;
  readonly host: GitHost;
  readonly mirror: Mirror;
  readonly refs: Refs;
};
type Looked = Changed | { readonly repository: string; readonly problem: string } | { readonly same: string };

/** One request when nothing has changed. */
async function look(context: Context, given: string): Promise<Looked> {
  const { system, branches, tags } = context.input;
  const repository = withoutDigest(given);
  const place = repositoryInput.parse({ ...repositoryNamed(repository), ...(system ? { system } : {}) });
  const { host, mirror } = await openRepository(context, place);
  const { tips } = await listRemote(mirror, ["refs/heads/*", "refs/tags/*"]);
  const refs = wantedRefs(tips, { branches, tags });
  const text = refsText(refs);
  if (text.length > MAX_REFS_TEXT) {
    const problem = `It has ${refs.size} branches and tags, too many to poll. Name fewer with \`branches\` and \`tags\` of the source.`;
    return { repository, problem };
  }
  if (hash("sha256", text) === given.slice(repository.length + 1)) return { same: repository };
  return { repository, host, mirror, refs };
}

/** What a whole host answers in place of all its repositories is thrown. */
function failedAt(repository: string, error: unknown): Looked {
  if (error instanceof z.ZodError) return { repository, problem: "It has no name that a git host could have." };
  if (!(error instanceof GantryError) || !OF_ONE_REPOSITORY.includes(error.code)) throw error;
  const { message, why } = explain(error);
  return { repository, problem: `${message} ${why}`.trim().slice(0, 2_000) };
}

const OF_ONE_REPOSITORY: readonly string[] = ["outside-app", "system-forbidden", "system-refused", "system-strange"];

async function readOne(
  context: Context,
  { repository, host, mirror, refs }: Changed,
  known: Refs | undefined,
): Promise<Found> {
  if (known === undefined) return { repository, refs: refsText(refs), changes: [], isWhole: true };
  const all = differences(known, refs);
  const changes: PolledChange[] = [];
  for (const one of all.slice(0, MAX_CHANGES)) {
    context.signal.throwIfAborted();
    const change = await readChange(mirror, one);
    const url = change?.commit && host.commitUrl(...placeOf(repository), change.commit);
    if (change) changes.push(url ? { ...change, url } : change);
  }
  return { repository, changes, isWhole: all.length <= MAX_CHANGES };
}

function placeOf(repository: string): [project: string, slug: string] {
  const { project, slug } = repositoryNamed(repository);
  return [project, slug];
}

function knownRefs(json: string): ReadonlyMap<string, Refs> {
  const parsed = z.record(z.string(), z.string()).safeParse(JSON.parse(json));
  if (!parsed.success)
    throw new GantryError("bad-input", { step: "git/poll", problem: "known: it is not JSON of texts" });
  return new Map(Object.entries(parsed.data).map(([name, text]) => [name, readRefs(text)]));
}

function withoutDigest(text: string): string {
  return text.split("=", 1)[0] ?? text;
}
