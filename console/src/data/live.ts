// The link to the feed: a stream; when that breaks, a page of the same every few seconds. A tab that nobody sees lets
// its stream go, because a browser opens only six connections to one portal.

import type { FeedEvent } from "@gantry/wire/agent/views.ts";
import { signal } from "@preact/signals";
import { read } from "./api.ts";
import { onEvent, onReset } from "./store.ts";

export type Link = "connecting" | "live" | "reconnecting" | "polling" | "paused" | "behind";

/** What the badge shows. `behind`: the portal itself does not hear from the task-agent. */
export const link = signal<Link>("connecting");

/** What a screen reader is told, politely. */
export const announcement = signal("");

const POLL_MS = 3_000;
const RETRY_MS = 15_000;
const HIDDEN_MS = 30_000;

let last: number | undefined;
let stream: EventSource | undefined;
let pollTimer: ReturnType<typeof setTimeout> | undefined;
let retryTimer: ReturnType<typeof setTimeout> | undefined;
let hiddenTimer: ReturnType<typeof setTimeout> | undefined;

export function startLive(): void {
  open();
  document.addEventListener("visibilitychange", () => {
    clearTimeout(hiddenTimer);
    if (document.hidden) {
      hiddenTimer = setTimeout(pause, HIDDEN_MS);
    } else if (link.value === "paused") {
      open();
      onReset();
    }
  });
}

function pause(): void {
  stop();
  link.value = "paused";
}

function stop(): void {
  stream?.close();
  stream = undefined;
  clearTimeout(pollTimer);
  clearTimeout(retryTimer);
}

function open(): void {
  stop();
  const source = new EventSource(last === undefined ? "/v1/events" : `/v1/events?after=${last}`);
  stream = source;
  source.onopen = () => {
    const wasDown = link.value === "polling" || link.value === "reconnecting";
    clearTimeout(pollTimer);
    link.value = "live";
    if (wasDown) onReset();
  };
  source.onmessage = ({ data }) => take(JSON.parse(String(data)) as FeedEvent);
  source.addEventListener("reset", ({ data }) => {
    last = (JSON.parse(String(data)) as { last: number }).last;
    onReset();
  });
  source.addEventListener("link", ({ data }) => {
    link.value = (JSON.parse(String(data)) as { up: boolean }).up ? "live" : "behind";
  });
  source.onerror = () => {
    if (stream !== source) return;
    if (source.readyState !== EventSource.CLOSED) {
      link.value = "reconnecting";
      return;
    }
    link.value = "polling";
    schedulePoll();
    retryTimer = setTimeout(open, RETRY_MS);
  };
}

function schedulePoll(): void {
  clearTimeout(pollTimer);
  pollTimer = setTimeout(() => void poll(), POLL_MS);
}

async function poll(): Promise<void> {
  try {
    const query = last === undefined ? "" : `?after=${last}`;
    const page = await read<{ items: FeedEvent[]; last: number }>(`/v1/events${query}`);
    if (last === undefined) onReset();
    for (const event of page.items) take(event);
    last = page.last;
  } catch {
    link.value = "reconnecting"; // The next poll, or the stream, tells when it is back.
  }
  if (stream?.readyState === EventSource.CLOSED) schedulePoll();
}

/** Streams begin again where they were cut, so an event may come twice: a number counts once. */
function take(event: FeedEvent): void {
  if (last !== undefined && event.seq <= last) return;
  last = event.seq;
  onEvent(event);
  const { kind, headline } = event.data.event;
  if (kind === "TaskEnded" && typeof headline === "string") announcement.value = headline;
  if (kind === "JobHeld") announcement.value = `${event.data.title} is held and needs an answer.`;
}
