// A button that opens the form of a pipeline. The form has an address, so the button is a link.

import { mayRun } from "../data/session.ts";
import { withQuery } from "../frame/router.ts";

export function RunButton(props: { pipeline: string; app?: string; label: string; isPrimary?: boolean }) {
  const style = `button${props.isPrimary ? " primary" : ""}`;
  if (!mayRun.value) {
    return (
      <span class={`${style} disabled`} title="Your role is viewer, which may not run pipelines.">
        {props.label}
      </span>
    );
  }
  return (
    <a class={style} href={withQuery({ run: props.pipeline, for: props.app })}>
      {props.label}
    </a>
  );
}
