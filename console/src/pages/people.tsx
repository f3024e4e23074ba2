// People and groups, for administrators: who has which role from where, and what can be done about an account.

import { useSignal } from "@preact/signals";
import { type Activation, type Page, type PersonView, send, v1 } from "../data/api.ts";
import { useResource } from "../data/store.ts";
import { type Action, useAction } from "../data/use-action.ts";
import { ActionTable } from "../parts/action-table.tsx";
import { ConfirmButton } from "../parts/confirm-button.tsx";
import { Loaded, ProblemBox } from "../parts/loading-states.tsx";
import { PageHeader, Section } from "../parts/page-layout.tsx";
import { CopyButton, RelativeTime } from "../parts/values.tsx";

type Link = Activation & { readonly name: string };

export function PeoplePage() {
  const people = useResource<Page<PersonView>>(v1.people);
  const action = useAction();
  const link = useSignal<Link | undefined>(undefined);
  const act = (work: () => Promise<void>): void =>
    action.run(async () => {
      await work();
      people.reload();
    });
  const reset = (name: string): void =>
    act(async () => {
      const made = await send<Activation>("POST", v1.resetPerson(name), {});
      if (made) link.value = { name, ...made };
    });
  return (
    <>
      <PageHeader title="People" note="Accounts, and everyone who has signed in by an issuer" />
      {action.problem ? <ProblemBox problem={action.problem} /> : null}
      {link.value ? <NewLink link={link.value} /> : null}
      <Loaded resource={people}>
        {({ items }) => (
          <>
            <ActionTable heads={["Name", "State", "Roles", "Last sign-in"]} action="Reset, sessions, disable" isLong>
              {items.map((person) => (
                <Person person={person} action={action} act={act} onReset={reset} key={person.name} />
              ))}
            </ActionTable>
            <Groups people={items} />
          </>
        )}
      </Loaded>
    </>
  );
}

function NewLink({ link }: { link: Link }) {
  return (
    <div class="fresh" role="status">
      <p>
        With this link <strong>{link.name}</strong> sets a new password. It works once and is shown only now.
      </p>
      <p>
        <code>{link.url}</code> <CopyButton text={link.url} what="Copy link" />
      </p>
    </div>
  );
}

type PersonProps = {
  readonly person: PersonView;
  readonly action: Action;
  readonly act: (work: () => Promise<void>) => void;
  readonly onReset: (name: string) => void;
};

function Person({ person, action, act, onReset }: PersonProps) {
  const { name, displayName, issuer, state, roles, pausedS, lastSignInAt } = person;
  const isDisabled = state === "disabled";
  const call = (method: "POST" | "DELETE", path: string): void => act(async () => void (await send(method, path)));
  return (
    <tr>
      <td class="strong">
        {name} {displayName === undefined ? null : <span class="soft">{displayName}</span>}
      </td>
      <td>
        {state}
        {issuer === undefined ? ", local account" : ""}
        {pausedS === undefined ? null : <span class="tag danger">locked for {pausedS} s</span>}
      </td>
      <td>
        <Roles roles={roles} />
      </td>
      <td class="soft">{lastSignInAt === undefined ? "never" : <RelativeTime at={lastSignInAt} />}</td>
      <td class="end">
        {issuer === undefined ? (
          <ConfirmButton
            verb="Reset password"
            name={name}
            isDisabled={action.isSending}
            onConfirm={() => onReset(name)}
          />
        ) : null}{" "}
        <ConfirmButton
          verb="End sessions"
          name={name}
          isDisabled={action.isSending}
          onConfirm={() => call("DELETE", v1.personSessions(name))}
        />{" "}
        <ConfirmButton
          verb={isDisabled ? "Enable" : "Disable"}
          name={name}
          isDisabled={action.isSending}
          onConfirm={() => call("POST", isDisabled ? v1.enablePerson(name) : v1.disablePerson(name))}
        />
      </td>
    </tr>
  );
}

function Roles({ roles }: { roles: PersonView["roles"] }) {
  if (roles.length === 0) return <span class="soft">none</span>;
  return (
    <>
      {roles.map(({ role, via, on }) => (
        <div key={`${role} ${via} ${on}`}>
          <strong>{role}</strong> {on === undefined ? "everywhere" : `on ${on}`}{" "}
          <span class="soft">{via === undefined ? "from the account" : `from the policy, by ${via}`}</span>
        </div>
      ))}
    </>
  );
}

/** The groups of the people above, as rules of the policy name them. */
function Groups({ people }: { people: readonly PersonView[] }) {
  const members = new Map<string, string[]>();
  for (const { name, issuer, groups } of people)
    for (const group of groups) {
      const full = issuer === undefined ? group : `${issuer}:${group}`;
      members.set(full, [...(members.get(full) ?? []), name]);
    }
  if (members.size === 0) return null;
  return (
    <Section title="Groups">
      <table class="stack">
        <thead>
          <tr>
            <th>Group</th>
            <th>People who are in it, as of their last sign-in</th>
          </tr>
        </thead>
        <tbody>
          {[...members]
            .toSorted(([a], [b]) => (a < b ? -1 : 1))
            .map(([group, names]) => (
              <tr key={group}>
                <td class="strong">{group}</td>
                <td>{names.join(", ")}</td>
              </tr>
            ))}
        </tbody>
      </table>
    </Section>
  );
}
