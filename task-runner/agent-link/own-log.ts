// Sends the recent lines of the runner's own log when an operator asks for them. Secrets are masked first.

import type { RecentLines } from "@gantry/runtime/process/recent-lines.ts";
import { type LogOrder, MAX_OWN_LINE, MAX_OWN_LOG } from "@gantry/wire/runner/protocol.ts";
import type { RunnerDeps } from "../ports.ts";
import type { Link } from "./agent-link.ts";

export type OwnLogOptions = {
  readonly recent: RecentLines;
  readonly link: Link;
  /** Removes every secret that the runner knows. */
  readonly mask: () => Promise<(text: string) => string>;
  readonly logger: RunnerDeps["logger"];
  readonly signal: AbortSignal;
};

/** Nobody waits for the answer any longer after a few tries. */
const TRIES = 3;

/** The returned function answers each request once, however often it is repeated. */
export function answersOnce(options: OwnLogOptions): (order: LogOrder) => void {
  let answered: string | undefined;
  return (order) => {
    if (order.id === answered) return;
    answered = order.id;
    answer(options, order).catch((err: unknown) => options.logger.warn({ err }, "the own log could not be sent"));
  };
}

async function answer({ recent, link, mask, logger, signal }: OwnLogOptions, order: LogOrder): Promise<void> {
  logger.info({ from: order.from, lines: order.lines }, "an operator reads this log");
  const masked = await mask();
  const found = recent.read(order.from, order.lines);
  // Cut after masking: a cut secret would not be recognised.
  const lines = found.lines.map((line) => masked(line).slice(0, MAX_OWN_LINE));
  const message = { id: order.id, held: found.held, dropped: found.dropped, lines: fitting(lines, order.from) };
  await link.call((client, session, call) => client.ownLog({ session, ...message }, call), { signal, tries: TRIES });
}

/** Leaves out what is farthest from the end that was asked for. */
function fitting(lines: readonly string[], from: LogOrder["from"]): string[] {
  const wanted: string[] = [];
  let left = MAX_OWN_LOG;
  for (const line of from === "oldest" ? lines : lines.toReversed()) {
    left -= Buffer.byteLength(JSON.stringify(line)) + 1;
    if (left < 0) break;
    wanted.push(line);
  }
  return from === "oldest" ? wanted : wanted.reverse();
}
