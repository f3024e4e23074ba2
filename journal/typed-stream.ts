// Typed streams: the types of a stream's snapshot and events are stated once, where the stream is defined. A process
// reads from its own journal only what it has written itself, so the values are not validated again.

import type { JsonObject, JsonValue } from "@gantry/core/json.ts";
import type { Journal, JournalEvent, StreamAppend } from "./journal.ts";

type Index = NonNullable<StreamAppend["index"]>;
type WithSnapshot = { readonly snapshot: JsonValue };

export type StreamDefinition<State, Event> = {
  /** Begins the name of every stream of this kind, for example `task/`. A single stream has its whole name here. */
  readonly prefix: string;
  /** The name of one stream; `id` is empty for a single stream. */
  readonly name: (id?: string) => string;
  /** The id in a stream's name; undefined for a stream of another kind. */
  readonly idOf: (stream: string) => string | undefined;
  /** The state in what `load` or `find` of a journal returned. */
  readonly stateOf: (item: WithSnapshot) => State;
  /** An event of a stream of this kind. */
  readonly eventOf: (item: Pick<JournalEvent, "event">) => Event;
  /** The stream as last committed; undefined when it does not exist. Rejects when the store fails. */
  readonly load: (
    journal: Pick<Journal, "load">,
    id?: string,
  ) => Promise<{ readonly version: number; readonly state: State } | undefined>;
  /** One part of a batch for `append`. The index entries are those of the state unless `keepIndex` leaves them unchanged. */
  readonly append: (id: string, part: TypedAppend<State, Event>) => StreamAppend;
};

export type TypedAppend<State, Event> = {
  /** The version that was decided on; 0 for a new stream and for a stream without events. */
  readonly expected: number;
  /** Default: none, so that the version stays. */
  readonly events?: readonly Event[];
  readonly state: State;
  readonly keepIndex?: boolean;
};

/** `index`: the index entries of a state. Absent: the stream is in no index. State and events must be JSON. */
export function defineStream<State, Event = JsonObject>({
  prefix,
  index,
}: {
  readonly prefix: string;
  readonly index?: (state: State) => Index;
}): StreamDefinition<State, Event> {
  const name = (id = ""): string => `${prefix}${id}`;
  // The only casts between JSON and the types of a stream.
  const stateOf = ({ snapshot }: WithSnapshot): State => snapshot as unknown as State;
  return {
    prefix,
    name,
    idOf: (stream) => (stream.startsWith(prefix) ? stream.slice(prefix.length) : undefined),
    stateOf,
    eventOf: ({ event }) => event as unknown as Event,
    load: async (journal, id) => {
      const loaded = await journal.load(name(id));
      return loaded && { version: loaded.version, state: stateOf(loaded) };
    },
    append: (id, { expected, events = [], state, keepIndex = false }) => ({
      stream: name(id),
      expected,
      events: events as unknown as readonly JsonObject[],
      snapshot: state as unknown as JsonValue,
      ...(index === undefined || keepIndex ? {} : { index: index(state) }),
    }),
  };
}
