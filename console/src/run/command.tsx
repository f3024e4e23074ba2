// The request of a form as a curl command, for scripts.

import { startCall } from "../data/api.ts";
import { shellWord } from "../parts/format.ts";
import { CopyButton } from "../parts/values.tsx";
import type { paramsOf } from "./form.ts";

export function Command(props: { pipeline: string; app: string | undefined; params: ReturnType<typeof paramsOf> }) {
  const { path, body } = startCall(props.pipeline, props.app, props.params);
  const text = [
    `curl -sS -X POST ${shellWord(location.origin + path)}`,
    `  -H "Authorization: Bearer $GANTRY_TOKEN"`,
    `  -H "Idempotency-Key: $(uuidgen)"`,
    `  -H 'Content-Type: application/json'`,
    `  -d ${shellWord(JSON.stringify(body))}`,
  ].join(" \\\n");
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
    </>
  );
}
