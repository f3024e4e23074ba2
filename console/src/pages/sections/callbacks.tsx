// The addresses that are told of the end of a task, and what became of it.

import type { TaskView } from "@gantry/wire/agent/views.ts";
import type { CallbackView } from "@gantry/wire/notify/views.ts";
import { useEffect } from "preact/hooks";
import { type Page, v1 } from "../../data/api.ts";
import { useResource } from "../../data/store.ts";
import { count } from "../../parts/format.ts";
import { Loaded } from "../../parts/loading-states.tsx";
import { Prose } from "../../parts/prose.tsx";
import { Moment } from "../../parts/values.tsx";

/** Nothing for a task that tells nobody. */
export function Callbacks({ task }: { task: TaskView }) {
  const { callbacks = [] } = task;
  if (callbacks.length === 0) return null;
  return (
    <section>
      <h2>Callbacks</h2>
      {task.endedAt === undefined ? (
        <ul class="callbacks">
          {callbacks.map(({ url, on }) => (
            <li key={url}>
              <span class="mono">{url}</span>{" "}
              <span class="soft">
                will be told {on === undefined ? "when the task has ended" : `if it is ${on.join(" or ")}`}
              </span>
            </li>
          ))}
        </ul>
      ) : (
        <Told task={task} />
      )}
    </section>
  );
}

/** How often it is looked what became of a message, in ms. */
const EVERY_MS = 5_000;

function Told({ task: { id, state, callbacks = [] } }: { task: TaskView }) {
  const told = useResource<Page<CallbackView>>(v1.callbacks(id));
  const isTold = callbacks.some(({ on }) => on?.some((outcome) => outcome === state) ?? true);
  const items = told.data.value?.items ?? [];
  const isOpen = items.some((one) => one.state === "pending") || (isTold && items.length === 0);
  useEffect(() => {
    if (!isOpen) return;
    // Deliveries are no events of the task, so nothing says when one has changed.
    const timer = setInterval(told.reload, EVERY_MS);
    return () => clearInterval(timer);
  }, [isOpen, id]);
  return (
    <Loaded resource={told}>
      {({ items }) =>
        items.length === 0 ? (
          <p class="quiet">{isTold ? "Not told yet." : "No address is told of this outcome."}</p>
        ) : (
          <ul class="callbacks">
            {items.map((one) => (
              <li key={one.url}>
                <span class="mono">{one.url}</span> <span class={HUES[one.state]}>{WORDS[one.state]}</span>
                {one.deliveredAt === undefined ? null : (
                  <>
                    {" "}
                    <Moment at={one.deliveredAt} />
                  </>
                )}
                <span class="soft">
                  {one.tries === 0 ? "" : `, ${count(one.tries, "try", "tries")}`}
                  {one.problem === undefined ? null : (
                    <>
                      : <Prose text={one.problem} />
                    </>
                  )}
                </span>
                {one.nextTryAt === undefined ? null : (
                  <span class="soft">
                    , next try <Moment at={one.nextTryAt} />
                  </span>
                )}
              </li>
            ))}
          </ul>
        )
      }
    </Loaded>
  );
}

const WORDS: { readonly [S in CallbackView["state"]]: string } = {
  pending: "not delivered yet",
  delivered: "told",
  refused: "refused",
  "given-up": "given up",
};
const HUES: { readonly [S in CallbackView["state"]]: string } = {
  pending: "hue-amber",
  delivered: "soft",
  refused: "hue-red",
  "given-up": "hue-red",
};
