// Settings: the theme and, for people with the rights, live settings and tokens.

import { mayDo, me, refusalOf } from "../data/session.ts";
import { ThemeChoice } from "../frame/theme-choice.tsx";
import { PageHeader, Section } from "../parts/page-layout.tsx";
import { Channels } from "./sections/channels.tsx";
import { LiveSettings } from "./sections/live-settings.tsx";
import { Tokens } from "./sections/tokens.tsx";

export function SettingsPage() {
  return (
    <>
      <PageHeader
        title="Settings"
        note={
          me.value ? `Signed in as ${me.value.name} with the role ${me.value.role} · Gantry ${me.value.version}` : ""
        }
      />
      <Section title="Theme">
        <ThemeChoice name="settings-theme" hasHeading />
      </Section>
      {mayDo("manage-people") ? (
        <Section title="People">
          <p>
            <a href="/people">Who has which role, and accounts</a>
          </p>
        </Section>
      ) : null}
      <Section title="Webhooks">
        <p>
          <a href="/webhooks">Deliveries of git hosts, Harbor and SonarQube, and what they started</a>
        </p>
      </Section>
      {mayDo("view-audit") ? (
        <Section title="Audit log">
          <p>
            <a href="/audit">Who changed what, and what was refused</a>
          </p>
        </Section>
      ) : null}
      {mayDo("manage-settings") ? <Channels /> : null}
      {mayDo("manage-settings") ? <LiveSettings /> : null}
      {mayDo("manage-tokens") ? (
        <Tokens />
      ) : (
        <Section title="Tokens">
          <p class="quiet">{refusalOf("manage-tokens")}</p>
        </Section>
      )}
    </>
  );
}
