// The simulated network: a `fetch` for the real clients. Requests and answers take time, get lost one way or both ways,
// come twice, overtake each other, and are answered by proxies in between.

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
  /** Who answers this machine now, when there are several of one name. */
  readonly behind?: (machine: Machine) => Server;
  /** undefined: nobody listens. */
  readonly process: () => Process | undefined;
  /** Never rejects. `gone` is aborted when the server sees that the caller has left. */
  readonly handle: (request: Request, gone: AbortSignal) => Promise<Answer>;
};

/** How a connection between a machine and a server is at the moment. Probabilities, and milliseconds. */
export type NetworkFaultProfile = {
  delayMs: readonly [number, number];
  /** Chance of a delay of up to two minutes. */
  slow: number;
  loseRequest: number;
  loseAnswer: number;
  reset: number;
  duplicate: number;
  /** A proxy answers 502 or 503 and nobody was asked; or somebody was, and the answer is replaced. */
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

/** Whoever is far away sees the news in fewer pages, which saves time. */
export const DISTANT: Readonly<NetworkFaultProfile> = { ...NO_NETWORK_FAULTS, delayMs: [20, 60] };

/** Who calls what: when it leaves, and when it arrives. */
export type Hear = (moment: "left" | "arrived", process: Process, request: Request) => void;

export type Network = {
  readonly listen: (server: Server) => void;
  /** What `process` calls the world with. */
  readonly fetchFor: (process: Process) => typeof fetch;
  readonly faultProfile: (machine: Machine, server: string) => NetworkFaultProfile;
  /** Hears of requests. The answer takes it back. */
  readonly hear: (hear: Hear) => () => void;
  readonly restore: (machine: Machine, server: string) => void;
  /** All profiles are fair. */
  readonly clear: () => void;
};

type Exchange = {
  readonly process: Process;
  readonly faultProfile: NetworkFaultProfile;
  readonly server: Server;
  readonly request: Request;
  /** Settles the caller's promise, once. */
  readonly settle: (answer: Answer | Error) => void;
  readonly onLeft: (hear: () => void) => void;
};

/** Errors cost time to make. */
const GONE = new Error("the caller has left");

/**
 * So many requests of one process in a second are a loop without a pause, which would make a thousand. A runner that works
 * off a queue of short jobs makes about a hundred.
 */
const FLOOD = 250;

export type NetworkDeps = Simulation & {
  /** How the connections of a machine are when nothing is wrong. */
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
    tell("arrived", exchange);
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

  const hearers = new Set<Hear>();
  const tell = (moment: "left" | "arrived", { process, request }: Exchange): void => {
    for (const hear of [...hearers]) hear(moment, process, request);
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
    tell("left", exchange);
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
      if (!server) throw new Error(`nobody is called ${host}`);
      const signal = init.signal ?? undefined;
      if (signal?.aborted) throw signal.reason;
      const lefts: (() => void)[] = [];
      let over = false;
      const leave = (): void => {
        for (const hear of lefts) hear();
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
      // A machine that lost its power says no goodbye; a process that died has its connections closed for it.
      const forget = process.onDeath(() => {
        if (!over && random.chance(0.7)) leave();
      });
      signal?.addEventListener("abort", aborted, { once: true });
      send({
        process,
        server,
        faultProfile: faultProfile(process.machine, host),
        request: { method: init.method ?? "GET", path: pathname, query: searchParams, ...partsOf(init) },
        onLeft: (hear) => void (over ? hear() : lefts.push(hear)),
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
    hear: (hear) => {
      hearers.add(hear);
      return () => void hearers.delete(hear);
    },
    restore: (machine, server) => {
      const { now, fair } = known(machine, server);
      Object.assign(now, { ...fair, cut: now.cut });
    },
    clear: () => {
      for (const { now, fair } of profiles.values()) Object.assign(now, fair);
    },
    fetchFor: (process) => async (address, init) => {
      // Nobody hears the words of the dead.
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
    // Copied, as the socket would: the caller may use its buffer again.
    body: body instanceof Uint8Array ? body.slice() : new Uint8Array(),
  };
}

function proxyAnswer(status: number): Answer {
  return { status, type: "text/html", body: "<html>a proxy</html>" };
}

function connectionError(code: string): Error {
  return new TypeError("fetch failed", { cause: Object.assign(new Error(code), { code }) });
}

/** As much of a Response as our clients look at. */
function responseOf({ status, type, body }: Answer): Response {
  return {
    ok: status >= 200 && status < 300,
    status,
    headers: new Map([["content-type", type]]),
    body: [Buffer.from(body)],
  } as unknown as Response;
}
