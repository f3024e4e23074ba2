// The dialog that runs a pipeline: the form, and beside it what the pipeline does and the same request as a command.

import type { AppView, PipelineView } from "@gantry/wire/agent/views.ts";
import { useEffect, useRef } from "preact/hooks";
import { v1 } from "../data/api.ts";
import { useResource } from "../data/store.ts";
import { go, withQuery } from "../frame/router.ts";
import { Icon } from "../parts/icon.tsx";
import { Loaded } from "../parts/loading-states.tsx";
import { Prose, withoutBackticks } from "../parts/prose.tsx";
import { RunForm } from "./run-form.tsx";

type Props = {
  readonly pipeline: string;
  readonly app: string | undefined;
  /** The number of the build that is chosen at first. */
  readonly build: string | undefined;
};

export function RunSheet({ pipeline, app, build }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const resource = useResource<PipelineView>(v1.pipeline(pipeline, app));
  const owner = useResource<AppView>(app === undefined ? undefined : v1.app(app));
  useEffect(() => dialog.current?.showModal(), []);
  const isReady = resource.data.value !== undefined;
  useEffect(() => {
    dialog.current?.querySelector<HTMLElement>("form input, form select, form textarea")?.focus();
  }, [isReady]);
  const close = (): void => go(withQuery({ run: undefined, for: undefined, build: undefined }), { replace: true });
  const title = resource.data.value?.button ?? "Run";
  return (
    <dialog class="sheet" ref={dialog} onClose={close} aria-label={withoutBackticks(title)}>
      <header>
        <h2>
          <Prose text={title} />
          {app === undefined ? null : <span class="soft"> · {app}</span>}
        </h2>
        <button type="button" class="icon-button" aria-label="Close" onClick={() => dialog.current?.close()}>
          <Icon name="close" />
        </button>
      </header>
      <Loaded resource={resource}>
        {(view) => (
          <RunForm name={pipeline} pipeline={view} app={app} of={owner.data.value} build={build} key={view.version} />
        )}
      </Loaded>
    </dialog>
  );
}
