// The personal tokens of the signed-in person: create, list, rotate and revoke.

import type { JsonObject } from "@gantry/core/json.ts";
import { useSignal } from "@preact/signals";
import { type Page, send, type TokenView, v1 } from "../../data/api.ts";
import { useResource } from "../../data/store.ts";
import { useAction } from "../../data/use-action.ts";
import { ActionTable } from "../../parts/action-table.tsx";
import { ConfirmButton } from "../../parts/confirm-button.tsx";
import { Loaded, ProblemBox } from "../../parts/loading-states.tsx";
import { Section } from "../../parts/page-layout.tsx";
import { RelativeTime } from "../../parts/values.tsx";
import { NewToken } from "./new-token.tsx";

type CreatedToken = TokenView & { readonly token: string };

export function OwnTokens({ mayCreate }: { mayCreate: boolean }) {
  const tokens = useResource<Page<TokenView>>(v1.ownTokens);
  const created = useSignal<CreatedToken | undefined>(undefined);
  const { isSending, problem, run } = useAction();
  const show = (path: string, body: JsonObject): void =>
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
      {mayCreate ? <OwnTokenForm isSending={isSending} onCreate={(token) => show(v1.ownTokens, token)} /> : null}
      {problem ? <ProblemBox problem={problem} /> : null}
      {created.value ? <NewToken name={created.value.name} token={created.value.token} /> : null}
      <Loaded resource={tokens}>
        {({ items }) => (
          <ActionTable heads={["Name", "Created", "Expires", "Last used"]} action="Rotate or revoke">
            {items.map(({ name, createdAt, expiresAt, lastUsedAt, scope }) => (
              <tr key={name}>
                <td class="strong">
                  {name}
                  {scope === undefined ? null : <div class="soft">{scopeInWords(scope)}</div>}
                </td>
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

function scopeInWords(scope: NonNullable<TokenView["scope"]>): string {
  return Object.entries(scope)
    .map(([list, words]) => `${list}: ${words.join(", ")}`)
    .join("; ");
}

const SCOPES = [
  ["verbs", "Only these verbs", "view view-pipelines run-cd"],
  ["apps", "Only on these apps", "orders team:payments"],
  ["sites", "Only at these sites", "seoul"],
] as const;

/** An empty field of the scope means all of its kind. */
function OwnTokenForm(props: { isSending: boolean; onCreate: (token: JsonObject) => void }) {
  const name = useSignal("");
  const days = useSignal("90");
  const lists = useSignal<{ readonly [list: string]: string }>({});
  const submit = (event: Event): void => {
    event.preventDefault();
    const scope = Object.entries(lists.value)
      .map(([list, text]) => [list, text.split(/[\s,]+/).filter((one) => one !== "")] as const)
      .filter(([, words]) => words.length > 0);
    const token = { name: name.value, days: Number(days.value) };
    props.onCreate(scope.length === 0 ? token : { ...token, scope: Object.fromEntries(scope) });
    name.value = "";
    lists.value = {};
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
          max="365"
          value={days.value}
          onInput={({ currentTarget }) => {
            days.value = currentTarget.value;
          }}
        />
      </label>
      {SCOPES.map(([list, title, example]) => (
        <label key={list}>
          {title}
          <input
            type="text"
            autoComplete="off"
            placeholder={example}
            value={lists.value[list] ?? ""}
            onInput={({ currentTarget }) => {
              lists.value = { ...lists.value, [list]: currentTarget.value };
            }}
          />
        </label>
      ))}
      <button type="submit" class="button primary" disabled={props.isSending}>
        Create personal token
      </button>
    </form>
  );
}
