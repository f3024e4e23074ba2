// Ports and health checks, from how a Dockerfile writes them to how an image's config holds them. Pure.

import { constants } from "node:os";

/** `80`, `80/udp`, `8000-8002` as `80/tcp` …; undefined when it is no port. */
export function ports(text: string): string[] | undefined {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp|sctp))?$/i.exec(text);
  if (!match) return undefined;
  const first = Number(match[1]);
  const last = Number(match[2] ?? match[1]);
  if (first < 1 || last > 65_535 || last < first) return undefined;
  const protocol = match[3]?.toLowerCase() ?? "tcp";
  return Array.from({ length: last - first + 1 }, (_, index) => `${first + index}/${protocol}`);
}

/** Why builders do not agree on a port that `ports` does not know; undefined when they do. */
export function whyUnsurePort(text: string): string | undefined {
  if (text.includes(":")) return "has a port with the address or port of a host";
  if (/^\d+\/$/.test(text)) return "has a port without a protocol behind the slash";
  return /^0+(\/\w+)?$/.test(text) ? "has the port 0" : undefined;
}

/** `SIGTERM`, `term`, `15`, `SIGRTMIN+3` */
export function isSignal(text: string): boolean {
  if (/^\d+$/.test(text)) return Number(text) >= 1 && Number(text) <= 64;
  const name = text.toUpperCase().replace(/^(SIG)?/, "SIG");
  return (
    name === "SIGCLD" || name in constants.signals || /^SIGRTM(IN(\+([1-9]|1[0-5]))?|AX(-([1-9]|1[0-4]))?)$/.test(name)
  );
}

export type Healthcheck = {
  readonly Test: readonly string[];
  /** Durations in nanoseconds. */
  readonly Interval?: number;
  readonly Timeout?: number;
  readonly StartPeriod?: number;
  readonly StartInterval?: number;
  readonly Retries?: number;
};

/** `text` is what stands behind the flags. An answer that is a text is what is wrong with it. */
export function healthcheck(
  text: string,
  flags: readonly (readonly [name: string, value: string])[],
): Healthcheck | string {
  if (/^none$/i.test(text)) return { Test: ["NONE"] };
  const command = text.replace(/^cmd\s+/i, "");
  const flagOf = (name: string): string | undefined => flags.find(([flag]) => flag === name)?.[1];
  const times: Record<string, number> = {};
  for (const [flag, field] of DURATIONS) {
    // Without a value it is as if it were not there.
    const written = flagOf(flag) || undefined;
    const value = written === undefined ? undefined : nanoseconds(written);
    if (written !== undefined && value === undefined) return `--${flag}=${written} is not a duration of 1ms or more`;
    if (value) times[field] = value;
  }
  const retries = flagOf("retries");
  if (retries !== undefined && !/^\+?\d+$/.test(retries)) return `--retries=${retries} is not a number`;
  return {
    Test: jsonCommand(command) ?? ["CMD-SHELL", command],
    ...times,
    ...(Number(retries ?? 0) === 0 ? {} : { Retries: Number(retries) }),
  };
}

const DURATIONS = [
  ["interval", "Interval"],
  ["timeout", "Timeout"],
  ["start-period", "StartPeriod"],
  ["start-interval", "StartInterval"],
] as const;
const UNITS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};
const PART = String.raw`(\d+\.?\d*|\.\d+)(${Object.keys(UNITS).join("|")})`;
/** Builders refuse shorter and longer ones. */
const [SHORTEST, LONGEST] = [1e6, 2 ** 63 - 1024];

/** `1m30s`, `500ms`, `.5s`, and 0 for "the default". */
function nanoseconds(text: string): number | undefined {
  if (/^[+-]?0$/.test(text)) return 0;
  if (!new RegExp(`^\\+?(?:${PART})+$`).test(text)) return undefined;
  const sum = [...text.matchAll(new RegExp(PART, "g"))].reduce(
    (before, [, amount, unit]) => before + Number(amount) * (UNITS[unit ?? ""] ?? 0),
    0,
  );
  return sum === 0 || (sum >= SHORTEST && sum <= LONGEST) ? Math.trunc(sum) : undefined;
}

function jsonCommand(command: string): string[] | undefined {
  if (!command.startsWith("[")) return undefined;
  try {
    const value: unknown = JSON.parse(command);
    return Array.isArray(value) && value.every((one) => typeof one === "string") ? ["CMD", ...value] : undefined;
  } catch {
    return undefined;
  }
}
