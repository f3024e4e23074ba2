// Inbox: what people were told in the portal.

import { STATE_LOOKS } from "@gantry/core/task/states.ts";
import type { InboxItem } from "@gantry/wire/agent/views.ts";
import { type Page, to, v1 } from "../data/api.ts";
import { useResource } from "../data/store.ts";
import { readable } from "../parts/format.ts";
import { EmptyState, Loaded } from "../parts/loading-states.tsx";
import { PageHeader } from "../parts/page-layout.tsx";
import { StateGlyph } from "../parts/state-badge.tsx";
import { RelativeTime } from "../parts/values.tsx";

const TELLING: readonly unknown[] = ["TaskEnded", "JobHeld", "TaskRequested", "JobWaiting"];

export function InboxPage() {
  const inbox = useResource<Page<InboxItem>>(v1.inbox, { reloadOn: ({ data }) => TELLING.includes(data.event.kind) });
  return (
    <>
      <PageHeader title="Inbox" note="What was told to people, newest first" />
      <Loaded resource={inbox}>
        {({ items }) =>
          items.length === 0 ? (
            <EmptyState title="No message yet">
              <p>A message comes when an app was created, when a task ended, and when something needs an answer.</p>
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

function Message({ item }: { item: InboxItem }) {
  // The title begins with the glyph of the state, which is drawn here.
  const title = item.title.replace(new RegExp(`^${quoted(STATE_LOOKS[item.state].glyph)}\\s*`), "");
  return (
    <li>
      <StateGlyph state={item.state} />
      <div>
        <p>
          {item.task === undefined ? (
            <span class="strong">{title}</span>
          ) : (
            <a class="strong" href={to.task(item.task)}>
              {title}
            </a>
          )}
        </p>
        <p>{readable(item.text)}</p>
        <p class="soft facts-line">
          {item.facts
            .filter(([name]) => name !== "Task")
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

function quoted(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
