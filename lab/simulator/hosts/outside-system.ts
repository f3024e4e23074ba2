// The outside system that simulated steps change: things that are created once, things that are replaced by
// compare-and-swap, and messages. It records every change with the key of its effect.

import type { Answer, Server } from "../machine/network.ts";
import type { Process } from "../machine/process.ts";
import type { ViolationSink } from "../violation.ts";

export type OutsideSystem = {
  readonly server: Server;
  /** Message key → how often it was received. */
  readonly messages: Map<string, number>;
  readonly mutations: Map<string, number>;
};

/** `what`: a name of the change that does not depend on its key, for the invariants. */
type ChangeRequest = {
  readonly name: string;
  readonly key: string;
  readonly version?: number;
  readonly what?: string;
};
type Thing = { version: number; readonly keys: string[] };

export function createOutsideSystem(process: Process, invariants: () => ViolationSink): OutsideSystem {
  const things = new Map<string, Thing>();
  const messages = new Map<string, number>();
  /** Counted by key and by `what`, so that a key that differs between attempts is found, too. */
  const mutations = new Map<string, number>();
  const thing = (name: string): Thing => {
    const known = things.get(name) ?? { version: 0, keys: [] };
    things.set(name, known);
    return known;
  };
  const change = (name: string, key: string, what: string): Answer => {
    const one = thing(name);
    one.version += 1;
    one.keys.push(key);
    for (const mark of [key, what]) {
      const times = (mutations.get(mark) ?? 0) + 1;
      mutations.set(mark, times);
      if (times > 1) invariants().violated("one-mutation", `${name} was changed ${times} times by ${mark}`);
    }
    return answer(200, { version: one.version });
  };
  const handle = (path: string, body: ChangeRequest): Answer => {
    const { name, key, what = "" } = body;
    switch (path) {
      case "/look": {
        const { version, keys } = thing(name);
        return answer(200, { version, done: keys.includes(key) });
      }
      case "/add":
        // A late or repeated request is not refused here. What must not happen is in step-observer.ts.
        thing(name).keys.push(key);
        return answer(200, {});
      case "/create":
        return thing(name).version > 0 ? answer(409, {}) : change(name, key, what);
      case "/replace":
        return thing(name).version !== body.version ? answer(409, {}) : change(name, key, what);
      case "/message":
        messages.set(key, (messages.get(key) ?? 0) + 1);
        return answer(200, {});
      default:
        throw new Error(`the outside system has no ${path}`);
    }
  };
  return {
    messages,
    mutations,
    server: {
      name: "outside",
      process: () => process,
      handle: async ({ path, body }) => handle(path, JSON.parse(Buffer.from(body).toString("utf8"))),
    },
  };
}

function answer(status: number, body: object): Answer {
  return { status, type: "application/json", body: JSON.stringify(body) };
}
