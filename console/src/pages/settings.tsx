// Settings: tokens, for administrators; the theme, for everybody.

import type { ProblemBody } from "@gantry/runtime/http/problem.ts";
import { useSignal } from "@preact/signals";
import { type Page, problemFrom, send, type TokenView, v1 } from "../data/api.ts";
import { isAdmin, me } from "../data/session.ts";
import { type Resource, useResource } from "../data/store.ts";
import { ThemeChoice } from "../frame/theme-choice.tsx";
import { ActionTable } from "../parts/action-table.tsx";
import { Loaded, ProblemBox } from "../parts/loading-states.tsx";
import { PageHeader, Section } from "../parts/page-layout.tsx";
import { CopyButton, RelativeTime } from "../parts/values.tsx";
import { LiveSettings } from "./live-settings.tsx";

export function SettingsPage() {
  return (
    <>
      <PageHeader
        title="Settings"
        note={me.value ? `Signed in as ${me.value.name}, ${me.value.role} · Gantry ${me.value.version}` : ""}
      />
      <Section title="Theme">
        <ThemeChoice name="settings-theme" hasHeading />
      </Section>
      {isAdmin.value ? <LiveSettings /> : null}
      {isAdmin.value ? (
        <Tokens />
      ) : (
        <Section title="Tokens">
          <p class="quiet">Tokens are made and revoked by administrators.</p>
        </Section>
      )}
    </>
  );
}

function Tokens() {
  const tokens = useResource<Page<TokenView>>(v1.tokens);
  const fresh = useSignal<{ name: string; token: string } | undefined>(undefined);
  const problem = useSignal<ProblemBody | undefined>(undefined);
  const act = async (wish: () => Promise<void>): Promise<void> => {
    problem.value = undefined;
    try {
      await wish();
      tokens.reload();
    } catch (error) {
      problem.value = problemFrom(error);
    }
  };
  const create = (name: string, role: string, days: number): Promise<void> =>
    act(async () => {
      const made = await send<TokenView & { token: string }>("POST", v1.tokens, { name, role, days });
      if (made) fresh.value = { name: made.name, token: made.token };
    });
  const revoke = (name: string): void =>
    void act(async () => {
      await send("DELETE", v1.token(name));
      if (fresh.value?.name === name) fresh.value = undefined;
    });
  return (
    <Section title="Tokens">
      <NewToken onCreate={create} />
      {problem.value ? <ProblemBox problem={problem.value} /> : null}
      {fresh.value ? (
        <div class="fresh" role="status">
          <p>
            The token <strong>{fresh.value.name}</strong>. It is shown this once.
          </p>
          <p>
            <code>{fresh.value.token}</code> <CopyButton text={fresh.value.token} what="Copy token" />
          </p>
        </div>
      ) : null}
      <TokenTable tokens={tokens} onRevoke={revoke} />
    </Section>
  );
}

function NewToken({ onCreate }: { onCreate: (name: string, role: string, days: number) => Promise<void> }) {
  const name = useSignal("");
  const role = useSignal("developer");
  const days = useSignal("90");
  const submit = (event: Event): void => {
    event.preventDefault();
    void onCreate(name.value, role.value, Number(days.value)).then(() => {
      name.value = "";
    });
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
        Role
        <select
          value={role.value}
          onChange={({ currentTarget }) => {
            role.value = currentTarget.value;
          }}
        >
          <option>viewer</option>
          <option>developer</option>
          <option>admin</option>
        </select>
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
      <button type="submit" class="button primary">
        Create token
      </button>
    </form>
  );
}

function TokenTable({ tokens, onRevoke }: { tokens: Resource<Page<TokenView>>; onRevoke: (name: string) => void }) {
  const asked = useSignal<string | undefined>(undefined);
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
                {asked.value === token.name ? (
                  <>
                    <button
                      type="button"
                      class="button danger small"
                      onClick={() => {
                        asked.value = undefined;
                        onRevoke(token.name);
                      }}
                    >
                      Revoke {token.name}
                    </button>{" "}
                    <button
                      type="button"
                      class="button small"
                      onClick={() => {
                        asked.value = undefined;
                      }}
                    >
                      Keep
                    </button>
                  </>
                ) : (
                  <button
                    type="button"
                    class="button small"
                    aria-label={`Revoke ${token.name}`}
                    onClick={() => {
                      asked.value = token.name;
                    }}
                  >
                    Revoke
                  </button>
                )}
              </td>
            </tr>
          ))}
        </ActionTable>
      )}
    </Loaded>
  );
}
