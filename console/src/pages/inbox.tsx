// Inbox: what people were told in the portal.

import { STATE_LOOKS } from "@gantry/core/task/states.ts";
import type { InboxItem } from "@gantry/wire/agent/views.ts";
import { type Page, to, v1 } from "../data/api.ts";
import { useResource } from "../data/store.ts";
import { readable } from "../format.ts";
import { useTitle } from "../frame/title.ts";
import { Answer, Empty, Title } from "../parts/answers.tsx";
import { Ago } from "../parts/facts.tsx";
import { Glyph } from "../parts/mark.tsx";

const TELLING: readonly unknown[] = ["TaskEnded", "JobHeld", "TaskRequested", "JobWaiting"];

export function InboxPage() {
  useTitle("Inbox");
  const inbox = useResource<Page<InboxItem>>(v1.inbox, { on: ({ data }) => TELLING.includes(data.event.kind) });
  return (
    <>
      <Title title="Inbox" note="What was told to people, newest first" />
      <Answer of={inbox}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No message yet">
              <p>A message comes when an app was created, when a task ended, and when something needs an answer.</p>
            </Empty>
          ) : (
            <ul class="messages">
              {items.map((item) => (
                <Message item={item} key={item.id} />
              ))}
            </ul>
          )
        }
      </Answer>
    </>
  );
}

function Message({ item }: { item: InboxItem }) {
  // The title begins with the glyph of the state, which is drawn here.
  const title = item.title.replace(new RegExp(`^${quoted(STATE_LOOKS[item.state].glyph)}\\s*`), "");
  return (
    <li>
      <Glyph state={item.state} />
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
        <Ago at={item.at} />
      </span>
    </li>
  );
}

function quoted(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
