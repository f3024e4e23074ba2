// The tokens section of the settings page, for administrators: create, list and revoke.

import type { ProblemBody } from "@gantry/runtime/http/problem.ts";
import { useSignal } from "@preact/signals";
import { type Page, problemFrom, send, type TokenView, v1 } from "../../data/api.ts";
import { type Resource, useResource } from "../../data/store.ts";
import { ActionTable } from "../../parts/action-table.tsx";
import { ConfirmButton } from "../../parts/confirm-button.tsx";
import { Loaded, ProblemBox } from "../../parts/loading-states.tsx";
import { Section } from "../../parts/page-layout.tsx";
import { RelativeTime } from "../../parts/values.tsx";
import { NewToken } from "./new-token.tsx";
import { TokenForm } from "./token-form.tsx";

export function Tokens() {
  const tokens = useResource<Page<TokenView>>(v1.tokens);
  const created = useSignal<{ name: string; token: string } | undefined>(undefined);
  const problem = useSignal<ProblemBody | undefined>(undefined);
  const act = async (change: () => Promise<void>): Promise<void> => {
    problem.value = undefined;
    try {
      await change();
      tokens.reload();
    } catch (error) {
      problem.value = problemFrom(error);
    }
  };
  const create = (name: string, role: string, days: number): Promise<void> =>
    act(async () => {
      const made = await send<TokenView & { token: string }>("POST", v1.tokens, { name, role, days });
      if (made) created.value = { name: made.name, token: made.token };
    });
  const revoke = (name: string): void =>
    void act(async () => {
      await send("DELETE", v1.token(name));
      if (created.value?.name === name) created.value = undefined;
    });
  return (
    <Section title="Tokens">
      <TokenForm onCreate={create} />
      {problem.value ? <ProblemBox problem={problem.value} /> : null}
      {created.value ? <NewToken {...created.value} /> : null}
      <TokenTable tokens={tokens} onRevoke={revoke} />
    </Section>
  );
}

function TokenTable({ tokens, onRevoke }: { tokens: Resource<Page<TokenView>>; onRevoke: (name: string) => void }) {
  return (
    <Loaded resource={tokens}>
      {({ items }) => (
        <ActionTable heads={["Name", "Role", "Created", "Expires"]} action="Revoke">
          {items.map((token) => (
            <tr key={token.name}>
              <td class="strong">{token.name}</td>
              <td>{token.role}</td>
              <td class="soft">
                <RelativeTime at={token.createdAt} /> by {token.createdBy}
              </td>
              <td class="soft">{token.expiresAt === undefined ? "never" : token.expiresAt.slice(0, 10)}</td>
              <td class="end">
                <ConfirmButton verb="Revoke" name={token.name} onConfirm={() => onRevoke(token.name)} />
              </td>
            </tr>
          ))}
        </ActionTable>
      )}
    </Loaded>
  );
}
