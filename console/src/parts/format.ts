// Formats times, durations, ids and numbers for people.

import type { TaskSummary } from "@gantry/wire/agent/views.ts";

/** `340 ms` · `4.1 s` · `1 m 12 s` · `2 h 5 m` · `3 d 4 h`. */
export function duration(ms: number): string {
  const whole = Math.max(0, Math.round(ms));
  if (whole < 1_000) return `${whole} ms`;
  if (whole < 9_950) return `${(whole / 1_000).toFixed(1)} s`;
  const seconds = Math.round(whole / 1_000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} m ${seconds % 60} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${minutes % 60} m`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** A running duration, in whole seconds, so that it does not flicker. */
export function ticking(ms: number): string {
  return ms < 1_000 ? "0 s" : duration(Math.floor(ms / 1_000) * 1_000).replace(".0 s", " s");
}

/** `just now` · `12 s ago` · `3 m ago` · `2 h ago` · `5 d ago`, then the day. */
export function ago(at: string, now: number): string {
  const seconds = Math.round((now - Date.parse(at)) / 1_000);
  if (Number.isNaN(seconds)) return at;
  if (seconds < 5) return "just now";
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} m ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h ago`;
  if (seconds < 86_400 * 14) return `${Math.floor(seconds / 86_400)} d ago`;
  return at.slice(0, 10);
}

/** How far a time in the future is: `in 5 m`. */
export function until(at: string, now: number): string {
  const seconds = Math.round((Date.parse(at) - now) / 1_000);
  if (Number.isNaN(seconds)) return at;
  if (seconds <= 0) return "now";
  if (seconds < 60) return `in ${seconds} s`;
  if (seconds < 3_600) return `in ${Math.floor(seconds / 60)} m`;
  if (seconds < 86_400) return `in ${Math.floor(seconds / 3_600)} h`;
  return `in ${Math.floor(seconds / 86_400)} d`;
}

/** Who or what a task was started by. A person may start again, or by hand, what a trigger began. */
export function starterOf({ requestedBy, trigger }: Pick<TaskSummary, "requestedBy" | "trigger">): string {
  return trigger && requestedBy.startsWith("trigger:") ? `by ${trigger.text}` : requestedBy;
}

/** Local time to the second, and the same in UTC, for tooltips. */
export function exact(at: string): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return at;
  return `${date.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" })} · ${date.toISOString()}`;
}

/** Local time of day: `17:05`. */
export function clockTime(at: string): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime())
    ? at
    : date.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
}

/** The part of an id, commit or digest that people compare. */
export function short(id: string): string {
  const digest = /^(?:.*@)?sha256:([0-9a-f]+)$/.exec(id)?.[1];
  if (digest !== undefined) return digest.slice(0, 12);
  if (/^[0-9a-f]{40}$/.test(id)) return id.slice(0, 8);
  return id.length > 12 ? id.slice(-8) : id;
}

/** A sentence with every digest cut to 12 digits. */
export function readable(text: string): string {
  return text.replaceAll(/(sha256:[0-9a-f]{12})[0-9a-f]{52}/g, "$1…");
}

/** `1 job` · `3 jobs` */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${n.toLocaleString("en")} ${n === 1 ? one : many}`;
}

/** `3 of 11 steps succeeded, 7 skipped`. A skipped step did no work, so it does not count as done. */
/** "5 bytes", "3.2 MiB" */
export function bytesText(bytes: number): string {
  const units = ["KiB", "MiB", "GiB"];
  let [value, unit] = [bytes, ""];
  for (const larger of units) {
    if (value < 1_024) break;
    [value, unit] = [value / 1_024, larger];
  }
  return unit === "" ? count(bytes, "byte") : `${value < 10 ? value.toFixed(1) : Math.round(value)} ${unit}`;
}

export function progressWords(succeeded: number, total: number, skipped: number): string {
  return `${succeeded} of ${count(total, "step")} succeeded${skipped === 0 ? "" : `, ${skipped} skipped`}`;
}

/** A text quoted as one word for a POSIX shell. */
export function shellWord(text: string): string {
  return /^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** "Dec 6, 12:36 PM", in the time zone of the browser. */
export function moment(at: string): string {
  return new Date(at).toLocaleString("en", { month: "short", day: "numeric", hour: "numeric", minute: "2-digit" });
}
