// The command that does what a form does, for terminals and scripts.

import { CopyButton } from "../parts/values.tsx";
import { cliCommand } from "./cli-command.ts";
import type { paramsOf } from "./form.ts";

export function Command(props: {
  pipeline: string;
  app: string | undefined;
  params: ReturnType<typeof paramsOf>;
  /** Names of the secret parameters. */
  secrets: readonly string[];
}) {
  const text = cliCommand(props.pipeline, props.app, props.params, props.secrets);
  return (
    <>
      <h3>
        As a command
        <CopyButton text={text} what="Copy command" />
      </h3>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: the command scrolls, so the keyboard must reach it */}
      <pre class="command" tabIndex={0}>
        {text}
      </pre>
      <p class="soft">
        Sign in once on each machine: <code>gantry login {location.origin}</code>
      </p>
    </>
  );
}
