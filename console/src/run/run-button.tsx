// A button that opens the form of a pipeline. The form has an address, so the button is a link.

import type { AppView } from "@gantry/wire/agent/views.ts";
import { refusalOf, startVerb } from "../data/session.ts";
import { withQuery } from "../frame/router.ts";
import { Prose } from "../parts/prose.tsx";

type Props = {
  readonly pipeline: string;
  /** The app that the pipeline runs for, and its view once it is loaded. */
  readonly app?: string;
  readonly of?: AppView | undefined;
  /** The number of the build that the form offers to deploy; 0 and absent: the form decides. */
  readonly build?: number;
  /** It creates an app. */
  readonly isNewApp?: boolean;
  readonly label: string;
  readonly isPrimary?: boolean;
};

export function RunButton({ pipeline, app, of, build = 0, isNewApp, label, isPrimary }: Props) {
  const style = `button${isPrimary ? " primary" : ""}`;
  const refusal = refusalOf(startVerb(pipeline, isNewApp), of);
  if (refusal !== undefined) {
    return (
      <button type="button" disabled class={style} title={refusal}>
        <Prose text={label} />
      </button>
    );
  }
  return (
    <a class={style} href={withQuery({ run: pipeline, for: app, build: build === 0 ? undefined : String(build) })}>
      <Prose text={label} />
    </a>
  );
}
