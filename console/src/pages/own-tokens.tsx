// The personal tokens of the signed-in person: create, list, rotate and revoke.

import { useSignal } from "@preact/signals";
import { type Page, send, type TokenView, v1 } from "../data/api.ts";
import { useResource } from "../data/store.ts";
import { useAction } from "../data/use-action.ts";
import { ActionTable } from "../parts/action-table.tsx";
import { ConfirmButton } from "../parts/confirm-button.tsx";
import { Loaded, ProblemBox } from "../parts/loading-states.tsx";
import { Section } from "../parts/page-layout.tsx";
import { RelativeTime } from "../parts/values.tsx";
import { NewToken } from "./new-token.tsx";

type CreatedToken = TokenView & { readonly token: string };

export function OwnTokens({ mayCreate }: { mayCreate: boolean }) {
  const tokens = useResource<Page<TokenView>>(v1.ownTokens);
  const created = useSignal<CreatedToken | undefined>(undefined);
  const { isSending, problem, run } = useAction();
  const show = (path: string, body: { readonly [field: string]: string | number }): void =>
    run(async () => {
      created.value = await send<CreatedToken>("POST", path, body);
      tokens.reload();
    });
  const revoke = (name: string): void =>
    run(async () => {
      await send("DELETE", v1.ownToken(name));
      if (created.value?.name === name) created.value = undefined;
      tokens.reload();
    });
  return (
    <Section title="Personal tokens">
      <p class="quiet">A personal token may do what you may do, and ends with your account.</p>
      {mayCreate ? (
        <OwnTokenForm isSending={isSending} onCreate={(name, days) => show(v1.ownTokens, { name, days })} />
      ) : null}
      {problem ? <ProblemBox problem={problem} /> : null}
      {created.value ? <NewToken name={created.value.name} token={created.value.token} /> : null}
      <Loaded resource={tokens}>
        {({ items }) => (
          <ActionTable heads={["Name", "Created", "Expires", "Last used"]} action="Rotate or revoke">
            {items.map(({ name, createdAt, expiresAt, lastUsedAt }) => (
              <tr key={name}>
                <td class="strong">{name}</td>
                <td class="soft aside">
                  <RelativeTime at={createdAt} />
                </td>
                <td class="soft">{expiresAt === undefined ? "does not expire" : `until ${expiresAt.slice(0, 10)}`}</td>
                <td class="soft">{lastUsedAt === undefined ? "never used" : <RelativeTime at={lastUsedAt} />}</td>
                <td class="end">
                  {mayCreate ? (
                    <ConfirmButton
                      verb="Rotate"
                      name={name}
                      isDisabled={isSending}
                      onConfirm={() => show(v1.rotateOwnToken(name), {})}
                    />
                  ) : null}{" "}
                  <ConfirmButton verb="Revoke" name={name} isDisabled={isSending} onConfirm={() => revoke(name)} />
                </td>
              </tr>
            ))}
          </ActionTable>
        )}
      </Loaded>
    </Section>
  );
}

function OwnTokenForm(props: { isSending: boolean; onCreate: (name: string, days: number) => void }) {
  const name = useSignal("");
  const days = useSignal("90");
  const submit = (event: Event): void => {
    event.preventDefault();
    props.onCreate(name.value, Number(days.value));
    name.value = "";
  };
  return (
    <form class="inline" onSubmit={submit}>
      <label>
        Name
        <input
          type="text"
          required
          autoComplete="off"
          value={name.value}
          onInput={({ currentTarget }) => {
            name.value = currentTarget.value;
          }}
        />
      </label>
      <label>
        Days
        <input
          type="number"
          min="1"
          max="3650"
          value={days.value}
          onInput={({ currentTarget }) => {
            days.value = currentTarget.value;
          }}
        />
      </label>
      <button type="submit" class="button primary" disabled={props.isSending}>
        Create personal token
      </button>
    </form>
  );
}
