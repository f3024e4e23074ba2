// Callers that wait for a connection while there is none.

import type { Clock } from "@gantry/runtime/clock.ts";
import { closedError } from "../validation.ts";
import { unavailable } from "./client.ts";
import type { Connection } from "./connection.ts";

export type ConnectionQueue = {
  readonly current: () => Connection | undefined;
  /** The current connection, or the next one if it comes in time. Rejects with `unavailable`. */
  readonly ready: () => Promise<Connection>;
  readonly setReady: (connection: Connection) => void;
  /** The connection has just broken; callers wait for the next one for GRACE_MS from now. */
  readonly setLost: (problem: string) => void;
  /** Why there is still none. */
  readonly setProblem: (problem: string) => void;
  readonly close: () => void;
};

type Waiting = { readonly resolve: (connection: Connection) => void; readonly reject: (error: unknown) => void };

const GRACE_MS = 900;

export function makeConnectionQueue(clock: Clock): ConnectionQueue {
  let current: Connection | undefined;
  let closed = false;
  let lostAt = clock.monotonicMs();
  let problem = "It was never reached.";
  const waiting = new Set<Waiting>();

  const settleAll = (settle: (one: Waiting) => void): void => {
    const all = [...waiting];
    waiting.clear();
    for (const one of all) settle(one);
  };
  const wait = (ms: number): Promise<Connection> =>
    new Promise((resolve, reject) => {
      const cancel = clock.after(ms, () => {
        waiting.delete(mine);
        reject(unavailable(problem));
      });
      const mine: Waiting = {
        resolve: (connection) => {
          cancel();
          resolve(connection);
        },
        reject: (error) => {
          cancel();
          reject(error);
        },
      };
      waiting.add(mine);
    });

  return {
    current: () => current,
    ready: () => {
      if (closed) return Promise.reject(closedError());
      if (current) return Promise.resolve(current);
      const left = lostAt + GRACE_MS - clock.monotonicMs();
      return left <= 0 ? Promise.reject(unavailable(problem)) : wait(left);
    },
    setReady: (connection) => {
      current = connection;
      settleAll((one) => one.resolve(connection));
    },
    setLost: (why) => {
      current = undefined;
      lostAt = clock.monotonicMs();
      problem = why;
    },
    setProblem: (why) => {
      problem = why;
    },
    close: () => {
      closed = true;
      current = undefined;
      settleAll((one) => one.reject(closedError()));
    },
  };
}
