// The inbox: the messages that notification rules send to the portal.

import { STATE_LOOKS } from "@gantry/core/task/states.ts";
import type { InboxItem } from "@gantry/wire/notify/views.ts";
import { ApprovalFacts } from "../approval/approval-facts.tsx";
import { type AskedApproval, type Page, to, v1 } from "../data/api.ts";
import { askedOfMe, changesAsked } from "../data/asked.ts";
import { useResource } from "../data/store.ts";
import { readable } from "../parts/format.ts";
import { EmptyState, Loaded } from "../parts/loading-states.tsx";
import { PageHeader } from "../parts/page-layout.tsx";
import { Prose } from "../parts/prose.tsx";
import { StateGlyph } from "../parts/state-badge.tsx";
import { RelativeTime } from "../parts/values.tsx";

const MESSAGE_EVENTS: readonly unknown[] = ["TaskEnded", "JobHeld", "TaskRequested", "JobWaiting"];

export function InboxPage() {
  const inbox = useResource<Page<InboxItem>>(v1.inbox, {
    reloadOn: (event) => MESSAGE_EVENTS.includes(event.data.event.kind) || changesAsked(event),
  });
  return (
    <>
      <PageHeader title="Inbox" note="Messages, newest first" />
      <Waiting />
      <Loaded resource={inbox}>
        {({ items }) =>
          items.length === 0 ? (
            <EmptyState title="There are no messages yet">
              <p>
                A message arrives when an app has been created, when a task has ended, and when a job needs an answer or
                an approval.
              </p>
            </EmptyState>
          ) : (
            <ul class="messages">
              {items.map((item) => (
                <Message item={item} key={item.id} />
              ))}
            </ul>
          )
        }
      </Loaded>
    </>
  );
}

/** What waits for an answer of this person. */
function Waiting() {
  const asked = useResource<Page<AskedApproval>>(askedOfMe, { reloadOn: changesAsked });
  const items = asked.data.value?.items ?? [];
  if (items.length === 0) return null;
  return (
    <section class="waiting-for-you">
      <h2>Waiting for your answer</h2>
      <ul class="messages">
        {items.map((one) => (
          <li key={`${one.task} ${one.job}`}>
            <StateGlyph state="waiting" />
            <div>
              <p>
                <a class="strong" href={to.task(one.task)}>
                  <Prose text={one.question} />
                </a>
              </p>
              <ApprovalFacts asked={one} />
            </div>
            <a class="button small when" href={to.task(one.task)}>
              Look and answer
            </a>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Message({ item }: { item: InboxItem }) {
  // The title begins with the glyph of the state, which the page draws itself.
  const title = item.title.replace(new RegExp(`^${quoted(STATE_LOOKS[item.state].glyph)}\\s*`), "");
  const text = textBeyond(title, item.text);
  return (
    <li>
      <StateGlyph state={item.state} />
      <div>
        <p>
          {item.task === undefined ? (
            <span class="strong">
              <Prose text={title} />
            </span>
          ) : (
            <a class="strong" href={to.task(item.task)}>
              <Prose text={title} />
            </a>
          )}
        </p>
        {text === "" ? null : (
          <p>
            <Prose text={readable(text)} />
          </p>
        )}
        <p class="soft facts-line">
          {item.facts
            .filter(([name, value]) => name !== "Task" && !title.includes(value))
            .map(([name, value]) => (
              <span key={name}>
                {name}: {value}
              </span>
            ))}
          <span>
            rule <span class="mono">{item.rule}</span>
          </span>
        </p>
      </div>
      <span class="soft when">
        <RelativeTime at={item.at} />
      </span>
    </li>
  );
}

/** What the text says beyond the title, which may repeat the first sentence. */
function textBeyond(title: string, text: string): string {
  const [first = "", ...more] = text.split("\n");
  const beyond = first.startsWith(title) ? first.slice(title.length).replace(/^\s*after [\w .]+?\.?$/, "") : first;
  return [beyond.trim(), ...more].filter((line) => line !== "").join("\n");
}

function quoted(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
