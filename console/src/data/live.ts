// The connection to the event feed: a stream, or a page of events every few seconds while no stream can be opened. A
// hidden tab closes its stream after a while, because a browser opens at most six connections to one portal.

import type { FeedEvent } from "@gantry/wire/agent/views.ts";
import { signal } from "@preact/signals";
import { read } from "./api.ts";
import { parseJson } from "./json.ts";
import { onEvent, onReset } from "./store.ts";

export type Connection = "connecting" | "live" | "reconnecting" | "polling" | "paused" | "behind";

/** What the badge shows. `behind`: the portal itself has no connection to the task-agent. */
export const connection = signal<Connection>("connecting");

/** Text for screen readers: they read it out when they are idle (`aria-live="polite"`). */
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
    } else if (connection.value === "paused") {
      open();
      onReset();
    }
  });
}

function pause(): void {
  stop();
  connection.value = "paused";
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
    const wasDown = connection.value === "polling" || connection.value === "reconnecting";
    clearTimeout(pollTimer);
    connection.value = "live";
    if (wasDown) onReset();
  };
  source.onmessage = ({ data }) => handle(parseJson<FeedEvent>(String(data)));
  source.addEventListener("reset", ({ data }) => {
    last = parseJson<{ last: number }>(String(data)).last;
    onReset();
  });
  source.addEventListener("link", ({ data }) => {
    connection.value = parseJson<{ up: boolean }>(String(data)).up ? "live" : "behind";
  });
  source.onerror = () => {
    if (stream !== source) return;
    if (source.readyState !== EventSource.CLOSED) {
      connection.value = "reconnecting";
      return;
    }
    connection.value = "polling";
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
    for (const event of page.items) handle(event);
    last = page.last;
  } catch {
    connection.value = "reconnecting"; // The next poll or the stream finds out when the portal is back.
  }
  if (stream?.readyState === EventSource.CLOSED) schedulePoll();
}

/** A stream that reconnects resumes where it was cut, so an event may arrive twice: it is applied once, by its number. */
function handle(event: FeedEvent): void {
  if (last !== undefined && event.seq <= last) return;
  last = event.seq;
  onEvent(event);
  const { kind, headline } = event.data.event;
  if (kind === "TaskEnded" && typeof headline === "string") announcement.value = headline;
  if (kind === "JobHeld") announcement.value = `${event.data.title} is held and needs an answer.`;
  if (kind === "ApprovalRequested") announcement.value = `${event.data.title} waits for an approval.`;
}
