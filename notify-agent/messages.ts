// All texts of notifications. Pure: one event becomes one message, which each channel formats.

import { isJsonObject, type JsonObject, type JsonValue } from "@gantry/core/json.ts";
import type { Message } from "@gantry/core/notify/channel.ts";
import type { Notice } from "@gantry/core/notify/match.ts";
import { answerInWords, duration } from "@gantry/core/task/messages.ts";
import { OUTCOMES, STATE_LOOKS, type State } from "@gantry/core/task/states.ts";
import { requesterInWords } from "@gantry/core/trigger/trigger-text.ts";
import { truncate } from "@gantry/core/truncate.ts";
import type { FeedEvent } from "@gantry/wire/agent/views.ts";

/** A message without its channel, receiver and key. */
export type Content = Omit<Message, "key" | "to" | "at" | "earlier">;

const MAX_TITLE = 250;
const MAX_TEXT = 4_000;
const MAX_FACT = 300;

const ABOUT_LINKS = "The links show what will happen, and ask you to confirm. You need to be signed in.";

/** The text of a message where its links are not shown. */
export function withoutLinks({ text }: Pick<Content, "text">): string {
  return text.replace(ABOUT_LINKS, "").trimEnd();
}

/** The message for an event. `portalUrl`: the base of an address that has no host. */
export function renderNotice(notice: Notice, portalUrl: string | undefined): Content {
  const { data } = notice;
  const { event } = data;
  const state = stateOf(event);
  const sentence = sentenceOf(notice, state);
  const actions = actionsOf(data, portalUrl);
  const about = actions.length === 0 ? [] : [ABOUT_LINKS];
  return {
    thread: data.task,
    state,
    title: line(`${STATE_LOOKS[state].glyph} ${sentence}`, MAX_TITLE),
    text: block([textOf(notice, sentence), ...about].filter((part) => part !== "").join("\n"), MAX_TEXT),
    facts: factsOf(notice),
    link: linkTo(data.url, portalUrl),
    ...(actions.length === 0 ? {} : { actions }),
  };
}

/** What a callback sends. Its `data` has the names of the members of a task in the API. */
export function callbackPayload({ time, data }: FeedEvent, portalUrl: string | undefined): JsonObject {
  const { task: id, pipeline, title, app, requestedBy, url, event } = data;
  const { outcome, headline, durationMs, outputs, failure, failedAt } = event;
  const ended = { state: outcome, headline, durationMs, outputs, failure, failedAt };
  const known = Object.entries(ended).filter(([, value]) => value !== undefined);
  return {
    type: "task.ended",
    timestamp: time,
    data: {
      ...{ id, pipeline, title },
      ...(app === undefined ? {} : { app }),
      ...{ requestedBy, url: linkTo(url, portalUrl)?.url ?? url, endedAt: time },
      ...Object.fromEntries(known),
    },
  };
}

/** The message that a person sends to test a channel. */
export function testContent(channel: string): Content {
  return {
    thread: "test",
    state: "succeeded",
    title: `${STATE_LOOKS.succeeded.glyph} Test message of Gantry on ${channel}`,
    text: "This is a test message that a person requested. Nothing has happened.",
    facts: [["Channel", channel]],
    link: undefined,
  };
}

function stateOf(event: JsonObject): State {
  const outcome = OUTCOMES.find((one) => one === event.outcome);
  if (outcome !== undefined) return outcome;
  switch (event.kind) {
    case "TaskRequested":
      return "queued";
    case "JobWaiting":
    case "StepWaiting":
      return "waiting";
    case "JobGated":
    case "ApprovalRequested":
    case "ApprovalReminded":
    case "ApprovalEscalated":
      return "waiting";
    case "ApprovalExpired":
      return "failed";
    case "ApprovalAnswered":
      return event.answer === "reject" ? "failed" : "succeeded";
    case "JobHeld":
      return "held";
    case "JobSkipped":
      return "skipped";
    case "TaskFinalizing":
      return "finalizing";
    default:
      return "running";
  }
}

function sentenceOf({ data }: Notice, state: State): string {
  const { event, title, app } = data;
  const job = text(event.job);
  switch (event.kind) {
    case "TaskEnded": {
      if (data.pipeline === "create-app" && state === "succeeded" && app) return `The app ${app} was created`;
      const place = placeOf(event.failedAt);
      const first = firstSentence(text(event.headline), title, event.durationMs);
      if (place !== "" && first?.includes(` at ${place.split(":")[0]}`)) return first;
      if (state === "canceled" && first !== undefined) return first;
      return `${title} ${STATE_LOOKS[state].word}${place === "" ? "" : ` at ${place}`}`;
    }
    case "TaskRequested":
      return `${title} was requested by ${requesterInWords(data.requestedBy, triggerOf(event))}`;
    case "TaskCancelRequested":
      return `${title} is being canceled by ${text(event.by)}`;
    case "JobHeld":
      return `${title}: ${job} needs an answer`;
    case "JobResolved":
      return `${title}: ${text(event.by)} ${answerInWords(text(event.answer), job)}`;
    case "ApprovalRequested":
      return `${title}: ${job} waits for an approval`;
    case "ApprovalReminded":
      return `${title}: ${job} still waits for an approval`;
    case "ApprovalEscalated":
      return `${title}: ${job} still waits for an approval, and more people are asked`;
    case "ApprovalAnswered":
      return `${title}: ${text(event.by)} ${event.answer === "reject" ? "rejected" : "approved"} ${job}`;
    case "ApprovalExpired":
      return `${title}: nobody approved ${job} in time`;
    case "PolicyOverridden":
      return `${title}: ${text(event.by)} let ${job} go against the policy`;
    case "JobEnded":
    case "StepEnded":
      return `${title}: ${placeOf(event)} ${STATE_LOOKS[state].word}`;
    default:
      return `${title}: ${[placeOf(event), words(text(event.kind))].filter((part) => part !== "").join(" ")}`;
  }
}

function textOf({ data }: Notice, title: string): string {
  const { event } = data;
  if (event.kind === "JobHeld") {
    return `${text(event.reason)}\nA person has to decide: run the job again, mark it as done, or let it fail.`;
  }
  if (["ApprovalRequested", "ApprovalReminded", "ApprovalEscalated", "ApprovalExpired"].includes(text(event.kind)))
    return text(event.question);
  const failure = typeof event.failure === "object" && !Array.isArray(event.failure) ? event.failure : undefined;
  const { message, why, todo, line: failing } = (failure ?? {}) as JsonObject;
  // A new app has a title of its own, which says the same as the headline of its task.
  const titles =
    event.kind === "TaskEnded" && event.outcome === "succeeded" ? [title, `${data.title} succeeded`] : [title];
  const headline =
    titles.reduce((left, one) => beyondTitle(left, one, event.durationMs), text(event.headline)) ||
    [text(event.reason), text(message)].filter((part) => part !== "").join(" ");
  const firstLine = text(failing);
  // The reason of a script that failed is its first failing line, which the headline ends with.
  const repeats = firstLine !== "" && text(why).includes(firstLine) && headline.includes(firstLine);
  return [
    headline,
    repeats ? "" : text(why),
    text(todo) === "" ? "" : `To do: ${text(todo)}`,
    firstLine === "" || `${text(event.headline)}\n${text(why)}`.includes(firstLine)
      ? ""
      : `First failing line: ${firstLine}`,
  ]
    .filter((part) => part !== "")
    .join("\n");
}

/** The first sentence of a headline, without the duration: it names every place that failed, and steps by their titles. */
function firstSentence(headline: string, title: string, durationMs: JsonValue | undefined): string | undefined {
  if (typeof durationMs !== "number" || !headline.startsWith(title)) return undefined;
  const end = headline.indexOf(` after ${duration(durationMs)}.`, title.length);
  return end === -1 ? undefined : headline.slice(0, end);
}

/** A headline without its first sentence, if that repeats the title: the duration is in the facts. */
function beyondTitle(headline: string, title: string, durationMs: JsonValue | undefined): string {
  const same = typeof durationMs === "number" ? `${title} after ${duration(durationMs)}.` : `${title}.`;
  return headline.startsWith(same) ? headline.slice(same.length).trim() : headline;
}

function factsOf({ data }: Notice): Content["facts"] {
  const { event } = data;
  const trigger = triggerOf(event);
  const facts: (readonly [string, string])[] = [
    ["App", data.app ?? ""],
    ["Pipeline", data.pipeline],
    ["Where", placeOf(event.failedAt) || placeOf(event)],
    ["Who may answer", texts(event.approvers).join(", ")],
    [
      "Until",
      typeof event.until === "number"
        ? `${new Date(event.until).toISOString().slice(0, 16).replace("T", " ")} UTC`
        : "",
    ],
    ["Took", typeof event.durationMs === "number" ? duration(event.durationMs) : ""],
    ["Requested by", requesterInWords(data.requestedBy, trigger)],
    ["Task", data.task],
  ];
  return facts.map(([name, value]) => [name, line(value, MAX_FACT)] as const).filter(([, value]) => value !== "");
}

function triggerOf({ trigger }: JsonObject): JsonObject | undefined {
  return isJsonObject(trigger) ? trigger : undefined;
}

/** "deploy[tokyo]: wait" */
function placeOf(place: JsonValue | undefined): string {
  if (typeof place !== "object" || place === null || Array.isArray(place)) return "";
  const { job, step } = place as JsonObject;
  return [text(job), text(step)].filter((part) => part !== "").join(": ");
}

/** Only http and https addresses become links. */
function linkTo(url: string, portalUrl: string | undefined): Content["link"] {
  const address = URL.parse(url, portalUrl);
  if (address === null || !/^https?:$/.test(address.protocol)) return undefined;
  return { label: "Open the task", url: address.href };
}

/**
 * What an approver can open. The address gives no right and says only what was asked: who answers is who is signed in, and a plan that
 * has changed, or was answered, is not approved by it.
 */
function actionsOf({ event, url }: Notice["data"], portalUrl: string | undefined): NonNullable<Content["actions"]> {
  const isAsking = ["ApprovalRequested", "ApprovalReminded", "ApprovalEscalated"].includes(text(event.kind));
  const task = isAsking && text(event.plan) !== "" ? linkTo(url, portalUrl) : undefined;
  if (!task) return [];
  return (["Approve", "Reject"] as const).map((label) => {
    const address = new URL(`${task.url}/answer`);
    const answer = { job: text(event.job), plan: text(event.plan), answer: label.toLowerCase() };
    address.search = String(new URLSearchParams(answer));
    return { label, url: address.href };
  });
}

/** `JobClaimed` → "claimed". The text before it names the job. */
function words(kind: string): string {
  const parts = kind.split(/(?=[A-Z])/).map((word) => word.toLowerCase());
  return (parts.length > 1 ? parts.slice(1) : parts).join(" ");
}

function text(value: JsonValue | undefined): string {
  return typeof value === "string" ? value : "";
}

function texts(value: JsonValue | undefined): readonly string[] {
  return Array.isArray(value) ? (value as readonly JsonValue[]).map(text) : [];
}

function line(value: string, limit: number): string {
  return truncate(
    block(value, limit * 2)
      .replace(/\s+/g, " ")
      .trim(),
    limit,
  );
}

/** Removes escape sequences and control characters, which are frequent in logs. Line breaks are kept. */
function block(value: string, limit: number): string {
  const plain = value
    .slice(0, limit * 4)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what this removes
    .replace(/\u001b\[[0-9;?]*[ -/]*[@-~]/g, "")
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what this removes
    .replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, " ")
    .toWellFormed();
  return truncate(plain, limit);
}
