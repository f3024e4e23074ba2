// The simulated network: a `fetch` for the real clients. Requests and answers take time, get lost in one or both directions,
// are duplicated, overtake each other, and are answered by proxies in between.

import type { Machine, Process, Simulation } from "./process.ts";

export type Request = {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly token: string;
  readonly body: Uint8Array;
};
export type Answer = {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  /** For the trace. */
  readonly note?: string;
};
export type Server = {
  readonly name: string;
  /** The server that answers this machine now, when several share one name. */
  readonly behind?: (machine: Machine) => Server;
  /** undefined: nothing listens. */
  readonly process: () => Process | undefined;
  /** Never rejects. `gone` is aborted when the server notices that the caller has disconnected. */
  readonly handle: (request: Request, gone: AbortSignal) => Promise<Answer>;
};

/** The faults of a connection between a machine and a server: probabilities, and milliseconds. */
export type NetworkFaultProfile = {
  delayMs: readonly [number, number];
  /** Probability of a delay of up to two minutes. */
  slow: number;
  loseRequest: number;
  loseAnswer: number;
  reset: number;
  duplicate: number;
  /** A proxy answers 5xx without asking the server; or it asks, and replaces the answer. */
  proxyBefore: number;
  proxyAfter: number;
  cut: "no" | "out" | "back" | "both";
};

export const NO_NETWORK_FAULTS: Readonly<NetworkFaultProfile> = {
  delayMs: [0.2, 2],
  slow: 0,
  loseRequest: 0,
  loseAnswer: 0,
  reset: 0,
  duplicate: 0,
  proxyBefore: 0,
  proxyAfter: 0,
  cut: "no",
};

/** A distant client receives events in fewer, larger pages, which makes the simulation faster. */
export const DISTANT: Readonly<NetworkFaultProfile> = { ...NO_NETWORK_FAULTS, delayMs: [20, 60] };

/** Called when a request leaves the caller, and when it arrives at the server. */
export type RequestObserver = (moment: "left" | "arrived", process: Process, request: Request) => void;

export type Network = {
  readonly listen: (server: Server) => void;
  /** The `fetch` of a process. */
  readonly fetchFor: (process: Process) => typeof fetch;
  readonly faultProfile: (machine: Machine, server: string) => NetworkFaultProfile;
  /** Observes all requests until the returned function is called. */
  readonly observe: (observer: RequestObserver) => () => void;
  /** Removes the faults of one connection, except a cut. */
  readonly restore: (machine: Machine, server: string) => void;
  /** Removes all faults. */
  readonly restoreAll: () => void;
};

type Exchange = {
  readonly process: Process;
  readonly faultProfile: NetworkFaultProfile;
  readonly server: Server;
  readonly request: Request;
  /** Settles the caller's promise, once. */
  readonly settle: (answer: Answer | Error) => void;
  readonly onLeft: (run: () => void) => void;
};

/** One error for all: creating errors costs time. */
const GONE = new Error("the caller has disconnected");

/**
 * More requests of one process per second than this are a loop without a pause, which would send about a thousand. A runner
 * with a queue of short jobs sends about a hundred.
 */
const FLOOD = 250;

export type NetworkDeps = Simulation & {
  /** The connections of a machine without faults. */
  readonly fair: (machine: Machine) => Readonly<NetworkFaultProfile>;
  readonly onFlood: (process: Process, path: string) => void;
};

export function createNetwork({ timeline, random, trace, fair, onFlood }: NetworkDeps): Network {
  const servers = new Map<string, Server>();
  const profiles = new Map<
    string,
    { readonly now: NetworkFaultProfile; readonly fair: Readonly<NetworkFaultProfile> }
  >();
  const known = (machine: Machine, server: string) => {
    const key = `${machine.name} ${server}`;
    const one = profiles.get(key) ?? { now: { ...fair(machine) }, fair: fair(machine) };
    profiles.set(key, one);
    return one;
  };
  const faultProfile = (machine: Machine, server: string): NetworkFaultProfile => known(machine, server).now;
  const delay = ({ delayMs: [from, to], slow }: NetworkFaultProfile): number =>
    random.chance(slow) ? random.between(1_000, 120_000) : random.between(from, to);

  const answerIn = (exchange: Exchange, answer: Answer | Error): void => {
    const { faultProfile: now, process, settle } = exchange;
    if (now.cut === "back" || now.cut === "both" || random.chance(now.loseAnswer)) return;
    process.deliverIn(delay(now), () => settle(answer));
  };

  const arrive = (exchange: Exchange): void => {
    const { request, faultProfile: now } = exchange;
    const server = exchange.server.behind?.(exchange.process.machine) ?? exchange.server;
    if (now.cut === "out" || now.cut === "both") return;
    const process = server.process();
    if (!process?.isAlive()) {
      answerIn(exchange, connectionError("ECONNREFUSED"));
      return;
    }
    const gone = new AbortController();
    const broken = process.onDeath(() => answerIn(exchange, connectionError("ECONNRESET")));
    notify("arrived", exchange);
    process.deliver(() => {
      exchange.onLeft(() => process.deliverIn(delay(now), () => gone.abort(GONE)));
      const name = `${exchange.process.name} ${request.path}`;
      trace.line(`> ${name}`);
      void server.handle(request, gone.signal).then((answer) => {
        broken();
        if (!process.isAlive()) return;
        trace.line(`< ${name} ${answer.status}${answer.note ? ` ${answer.note}` : ""}`);
        answerIn(exchange, random.chance(now.proxyAfter) ? proxyAnswer(random.pick([500, 502, 503])) : answer);
      });
    });
  };

  const observers = new Set<RequestObserver>();
  const notify = (moment: "left" | "arrived", { process, request }: Exchange): void => {
    for (const observer of [...observers]) observer(moment, process, request);
  };
  const counted = new Map<Process, { second: number; requests: number }>();
  const count = ({ process, request }: Exchange): void => {
    const second = Math.floor(timeline.nowMs() / 1_000);
    const known = counted.get(process);
    if (known?.second !== second) counted.set(process, { second, requests: 1 });
    else if (++known.requests === FLOOD) onFlood(process, request.path);
  };
  const send = (exchange: Exchange): void => {
    const { faultProfile: now } = exchange;
    count(exchange);
    notify("left", exchange);
    if (random.chance(now.reset)) {
      answerIn(exchange, connectionError("ECONNRESET"));
      return;
    }
    if (random.chance(now.proxyBefore)) {
      answerIn(exchange, proxyAnswer(random.pick([500, 502, 503])));
      return;
    }
    const copies = random.chance(now.duplicate) ? random.int(2, 5) : 1;
    for (let copy = 0; copy < copies; copy += 1) {
      if (now.cut === "out" || now.cut === "both" || random.chance(now.loseRequest)) continue;
      timeline.at(timeline.nowMs() + delay(now), () => arrive(exchange));
    }
  };

  const call = (process: Process, url: string, init: RequestInit): Promise<Response> =>
    new Promise((resolve, reject) => {
      const { host, pathname, searchParams } = new URL(url);
      const server = servers.get(host);
      if (!server) throw new Error(`there is no server ${host}`);
      const signal = init.signal ?? undefined;
      if (signal?.aborted) throw signal.reason;
      const lefts: (() => void)[] = [];
      let over = false;
      const leave = (): void => {
        for (const run of lefts) run();
      };
      const end = (): void => {
        over = true;
        signal?.removeEventListener("abort", aborted);
        forget();
      };
      const aborted = (): void => {
        if (over) return;
        end();
        leave();
        reject(signal?.reason);
      };
      // The kernel closes the connections of a process that died; a machine that lost power closes none.
      const forget = process.onDeath(() => {
        if (!over && random.chance(0.7)) leave();
      });
      signal?.addEventListener("abort", aborted, { once: true });
      send({
        process,
        server,
        faultProfile: faultProfile(process.machine, host),
        request: { method: init.method ?? "GET", path: pathname, query: searchParams, ...partsOf(init) },
        onLeft: (run) => void (over ? run() : lefts.push(run)),
        settle: (answer) => {
          if (over) return;
          end();
          if (answer instanceof Error) reject(answer);
          else resolve(responseOf(answer));
        },
      });
    });

  return {
    listen: (server) => void servers.set(server.name, server),
    faultProfile,
    observe: (observer) => {
      observers.add(observer);
      return () => void observers.delete(observer);
    },
    restore: (machine, server) => {
      const { now, fair } = known(machine, server);
      Object.assign(now, { ...fair, cut: now.cut });
    },
    restoreAll: () => {
      for (const { now, fair } of profiles.values()) Object.assign(now, fair);
    },
    fetchFor: (process) => async (address, init) => {
      // Calls of a dead process never leave it.
      if (!process.isAlive()) return new Promise<never>(() => {});
      return call(process, String(address), init ?? {});
    },
  };
}

function partsOf(init: RequestInit): Pick<Request, "token" | "body"> {
  const headers = init.headers as Record<string, string> | undefined;
  const body = typeof init.body === "string" ? Buffer.from(init.body) : init.body;
  return {
    token: headers?.authorization?.replace("Bearer ", "") ?? "",
    // Copied, as a socket would do: the caller may reuse its buffer.
    body: body instanceof Uint8Array ? body.slice() : new Uint8Array(),
  };
}

function proxyAnswer(status: number): Answer {
  return { status, type: "text/html", body: "<html>a proxy</html>" };
}

function connectionError(code: string): Error {
  return new TypeError("fetch failed", { cause: Object.assign(new Error(code), { code }) });
}

/** The part of Response that our clients use. */
function responseOf({ status, type, body }: Answer): Response {
  return {
    ok: status >= 200 && status < 300,
    status,
    headers: new Map([["content-type", type]]),
    body: [Buffer.from(body)],
  } as unknown as Response;
}
