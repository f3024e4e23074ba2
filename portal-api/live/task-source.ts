// The events of one task as a stream. Ids are the numbers of the task (`taskseq`), so the stream has no gaps to explain.

import type { FeedEvent } from "@gantry/wire/agent/views.ts";
import type { Portal } from "../portal.ts";
import { type Source, textFrame } from "./stream.ts";

const PAGE = 200;

/** Begins after `start`; `first` are the events after it that were read already. */
export function taskSource(portal: Portal, task: string, start: number, first: readonly FeedEvent[]): Source {
  const { hub, agent } = portal;
  let sent = start;
  let heard = hub.last();
  let seen = hub.version();
  let unsent = first;
  let behind = true;

  /** The live events of the task, or undefined when some are missing between what was sent and them. */
  const live = (): readonly FeedEvent[] | undefined => {
    const kept = heard === undefined ? undefined : hub.since(heard);
    heard = hub.last();
    const own = kept?.filter((event) => event.subject === task && event.taskseq > sent);
    return own?.every((event, at) => event.taskseq === sent + 1 + at) ? own : undefined;
  };

  return {
    next: async (signal) => {
      seen = hub.version();
      let events = unsent;
      unsent = [];
      if (events.length === 0 && !behind) events = live() ?? (await agent.taskEvents(task, sent, PAGE, { signal }));
      else if (events.length === 0) {
        heard = hub.last();
        events = await agent.taskEvents(task, sent, PAGE, { signal });
      }
      behind = events.length >= PAGE || (behind && events.length > 0);
      sent = events.at(-1)?.taskseq ?? sent;
      return events.map((event) => textFrame(hub.text(event), event.taskseq));
    },
    wait: (ms, signal) => (behind ? Promise.resolve() : hub.wait(seen, ms, signal)),
    position: () => sent,
  };
}
