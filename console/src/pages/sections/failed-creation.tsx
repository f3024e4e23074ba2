// What is left of an app whose creation failed: what it made, and the buttons that delete it or only forget the app.

import type { MadeView } from "@gantry/wire/agent/deployments.ts";
import type { AppView, TaskView } from "@gantry/wire/agent/views.ts";
import { type Page, send, to, v1 } from "../../data/api.ts";
import { refusalOf } from "../../data/session.ts";
import { put, useResource } from "../../data/store.ts";
import { useAction } from "../../data/use-action.ts";
import { go } from "../../frame/router.ts";
import { ConfirmButton } from "../../parts/confirm-button.tsx";
import { Loaded, ProblemBox } from "../../parts/loading-states.tsx";
import { Section } from "../../parts/page-layout.tsx";
import { ExternalLink } from "../../parts/values.tsx";

export function FailedCreation({ app }: { app: AppView }) {
  const made = useResource<Page<MadeView>>(v1.undoPlan(app.name));
  const removal = useAction();
  const refusal = refusalOf("remove-app", app);
  const undo = (): void =>
    removal.run(async () => {
      const task = await send<TaskView>("DELETE", v1.removeApp(app.name, { undo: "true" }));
      if (!task) return;
      put(v1.task(task.id), task);
      go(to.task(task.id));
    });
  const forget = (): void =>
    removal.run(async () => {
      await send("DELETE", v1.removeApp(app.name, { undo: "false", keep: "true" }));
      go("/apps");
    });
  const buttons = {
    name: app.name,
    no: "Cancel",
    isDisabled: removal.isSending || refusal !== undefined,
    why: refusal,
  };
  return (
    <Section title="The creation failed">
      <Loaded resource={made}>
        {({ items }) => (
          <>
            {items.length === 0 ? (
              <p>It made nothing that is left.</p>
            ) : (
              <>
                <p>
                  This is what it made. Undo deletes exactly this, except what holds work of others by now, and forgets
                  the app. Forget leaves all of it where it is, and Gantry cannot delete it later.
                </p>
                <ul aria-label="What the creation made">
                  {items.map(({ what, url, unsure }) => (
                    <li key={what}>
                      {url === undefined ? what : <ExternalLink href={url}>{what}</ExternalLink>}
                      {unsure ? <span class="soft"> · perhaps</span> : null}
                    </li>
                  ))}
                </ul>
                {items.some(({ unsure }) => unsure) ? (
                  <p class="soft">
                    Of what is marked with “perhaps”, the answer was lost. Undo looks whether it is there, deletes it
                    only if it carries the mark of this creation, and says in its log what it kept.
                  </p>
                ) : null}
              </>
            )}
            <div class="submit">
              {items.length === 0 ? null : <ConfirmButton verb="Undo" {...buttons} onConfirm={undo} />}
              <ConfirmButton verb="Forget" {...buttons} onConfirm={forget} />
            </div>
            <p>
              To continue the creation instead, rerun <a href={to.task(app.task)}>its task</a>.
            </p>
          </>
        )}
      </Loaded>
      {removal.problem ? <ProblemBox problem={removal.problem} /> : null}
    </Section>
  );
}
