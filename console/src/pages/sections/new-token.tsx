// A token that was just created. It is shown only once.

import { CopyButton } from "../../parts/values.tsx";

export function NewToken({ name, token }: { name: string; token: string }) {
  return (
    <div class="fresh" role="status">
      <p>
        The token <strong>{name}</strong>. It is shown only now.
      </p>
      <p>
        <code>{token}</code> <CopyButton text={token} what="Copy token" />
      </p>
    </div>
  );
}
