// The profile: the account of the signed-in person, its sessions, its personal tokens and its password.

import { type Account, type Page, type SessionView, send, v1 } from "../data/api.ts";
import { me, signOut } from "../data/session.ts";
import { type Resource, useResource } from "../data/store.ts";
import { useAction } from "../data/use-action.ts";
import { ActionTable } from "../parts/action-table.tsx";
import { ConfirmButton } from "../parts/confirm-button.tsx";
import { Loaded, ProblemBox } from "../parts/loading-states.tsx";
import { PageHeader, Section } from "../parts/page-layout.tsx";
import { RelativeTime } from "../parts/values.tsx";
import { OwnTokens } from "./sections/own-tokens.tsx";
import { PasswordForm } from "./sections/password-form.tsx";

export function ProfilePage() {
  const account = useResource<Account>(v1.account);
  return (
    <>
      <PageHeader title="Profile" note={me.value ? `Signed in as ${me.value.name}` : ""} />
      <Loaded resource={account}>
        {({ person, hasPassword, mayCreateTokens }) => (
          <>
            {person ? (
              <Section title="Account">
                <dl class="pairs">
                  <div>
                    <dt>Name</dt>
                    <dd>{person.displayName ?? person.name}</dd>
                  </div>
                  <div>
                    <dt>Role</dt>
                    <dd>{person.role === "none" ? "none; your rights come from the policy" : person.role}</dd>
                  </div>
                  <div>
                    <dt>Groups</dt>
                    <dd>{person.groups.join(", ") || "none"}</dd>
                  </div>
                </dl>
              </Section>
            ) : null}
            <Sessions />
            {person ? <OwnTokens mayCreate={mayCreateTokens} /> : null}
            {hasPassword ? <PasswordForm /> : null}
          </>
        )}
      </Loaded>
    </>
  );
}

const SIGN_INS: { readonly [signIn: string]: string } = {
  link: "sign-in link",
  token: "token",
  password: "password",
  sso: "single sign-on",
};

function Sessions() {
  const sessions = useResource<Page<SessionView>>(v1.sessions);
  const { isSending, problem, run } = useAction();
  const end = ({ id, isCurrent }: SessionView): void =>
    run(async () => {
      if (isCurrent) {
        await signOut();
        return;
      }
      await send("DELETE", v1.session(id));
      sessions.reload();
    });
  return (
    <Section title="Sessions">
      {problem ? <ProblemBox problem={problem} /> : null}
      <SessionTable sessions={sessions} isSending={isSending} onEnd={end} />
    </Section>
  );
}

type TableProps = {
  sessions: Resource<Page<SessionView>>;
  isSending: boolean;
  onEnd: (session: SessionView) => void;
};

function SessionTable({ sessions, isSending, onEnd }: TableProps) {
  return (
    <Loaded resource={sessions}>
      {({ items }) => (
        <ActionTable heads={["Opened", "By", "From", "Browser"]} action="End">
          {items.map((session) => (
            <tr key={session.id}>
              <td>{session.openedAt === undefined ? "–" : <RelativeTime at={session.openedAt} />}</td>
              <td>{SIGN_INS[session.signIn ?? ""] ?? "–"}</td>
              <td class="mono">{session.address ?? "–"}</td>
              <td class="soft">{session.isCurrent ? "this browser" : (session.userAgent ?? "–").slice(0, 60)}</td>
              <td class="end">
                <ConfirmButton
                  verb="End"
                  name={session.isCurrent ? "this session" : `session ${session.id.slice(0, 8)}`}
                  isDisabled={isSending}
                  onConfirm={() => onEnd(session)}
                />
              </td>
            </tr>
          ))}
        </ActionTable>
      )}
    </Loaded>
  );
}
