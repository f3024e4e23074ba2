// Connects a runner to its task-agent: HTTP client, session, repeated calls.

import { GantryError } from "@gantry/core/errors.ts";
import { deadlineBy } from "@gantry/runtime/deadline.ts";
import { createRunnerClient, type RunnerClient } from "@gantry/wire/runner/runner-client.ts";
import type { AttemptRegistry } from "../attempts/attempt-registry.ts";
import type { RunnerBase } from "../runner-context.ts";
import { createLink, type Link } from "./agent-link.ts";
import { watchRefusals } from "./refusals.ts";
import { describeRunner } from "./registration.ts";
import { createSession, type Session } from "./session.ts";

export type Connection = {
  readonly link: Link;
  readonly session: Session;
  /**
   * Registers again without the work that was cut off, so that the task-agent gives that work away now and not only when its
   * leases expire. A failure is only logged.
   */
  readonly giveBack: (running: ReturnType<AttemptRegistry["running"]>) => Promise<void>;
};

const GIVE_BACK_MS = 2_000;

/**
 * Opens no session yet. `onFailure`: the runner must stop its work, because the task-agent refuses its token
 * (`runner-refused`) or a newer process has taken over (`session-gone`). `signal`: ends all calls.
 */
export function connect(
  { config, deps, token, isolation }: RunnerBase,
  registry: AttemptRegistry,
  onFailure: (why: GantryError) => void,
  signal: AbortSignal,
): Connection {
  const client = createRunnerClient({
    url: config.agent,
    token,
    fetch: deps.fetch,
    deadline: (ms) => deadlineBy(deps.clock, ms),
  });
  const refusals = watchRefusals(deps.clock, () =>
    onFailure(new GantryError("runner-refused", { runner: config.name, agent: config.agent })),
  );
  const describe = describeRunner(config, registry, deps.newId(), {
    hasSandbox: isolation.kind === "sandbox",
    hasLog: deps.ownLog !== undefined,
  });
  const session = createSession({
    client,
    refusals,
    deps,
    describe,
    onDirectives: registry.apply,
    onSuperseded: () => onFailure(new GantryError("session-gone")),
    signal,
  });
  const link = createLink(client, session, refusals, deps);
  const giveBack: Connection["giveBack"] = (running) => register(client, { ...describe(), running }, deps);
  return { link, session, giveBack };
}

async function register(
  client: RunnerClient,
  request: Parameters<RunnerClient["session"]>[0],
  { logger }: RunnerBase["deps"],
): Promise<void> {
  try {
    await client.session(request, { timeoutMs: GIVE_BACK_MS });
  } catch (error) {
    logger.info({ err: error }, "the task-agent could not be informed that the runner ends");
  }
}
