// The events of one task as a stream. Event ids are the numbers within the task (`taskseq`), which have no gaps.

import type { FeedEvent } from "@gantry/wire/agent/views.ts";
import type { Visibility } from "../access/visible.ts";
import type { Portal } from "../portal.ts";
import { type Source, textFrame } from "./stream.ts";

const PAGE = 200;

/** A stream of the events after `start`; `first` are those that have been read already. */
export function taskSource(
  portal: Portal,
  task: string,
  start: number,
  first: readonly FeedEvent[],
  visibility: () => Visibility,
): Source {
  const { hub, agent } = portal;
  let sent = start;
  let readUpTo = hub.last();
  let seen = hub.version();
  let unsent = first;
  let behind = true;

  /** New events of the task from memory; undefined when there is a gap between the last sent event and them. */
  const live = (): readonly FeedEvent[] | undefined => {
    const kept = readUpTo === undefined ? undefined : hub.since(readUpTo);
    readUpTo = hub.last();
    const ofTask = kept?.filter((event) => event.subject === task && event.taskseq > sent);
    return ofTask?.every((event, at) => event.taskseq === sent + 1 + at) ? ofTask : undefined;
  };

  return {
    next: async (signal) => {
      seen = hub.version();
      let events = unsent;
      unsent = [];
      if (events.length === 0 && !behind) events = live() ?? (await agent.taskEvents(task, sent, PAGE, { signal }));
      else if (events.length === 0) {
        readUpTo = hub.last();
        events = await agent.taskEvents(task, sent, PAGE, { signal });
      }
      behind = events.length >= PAGE || (behind && events.length > 0);
      sent = events.at(-1)?.taskseq ?? sent;
      const now = visibility();
      return Promise.all(events.map(async (event) => textFrame(await now.redact(hub.text(event)), event.taskseq)));
    },
    wait: (ms, signal) => (behind ? Promise.resolve() : hub.wait(seen, ms, signal)),
    position: () => sent,
  };
}
