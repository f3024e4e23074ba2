// The channels for notifications, and in red those whose certificates are not checked.

import type { ChannelView } from "@gantry/wire/notify/views.ts";
import { type Page, v1 } from "../../data/api.ts";
import { useResource } from "../../data/store.ts";
import { Loaded } from "../../parts/loading-states.tsx";
import { Section } from "../../parts/page-layout.tsx";

export function Channels() {
  const channels = useResource<Page<ChannelView>>(v1.channels);
  return (
    <Section title="Channels">
      <Loaded resource={channels}>
        {({ items }) =>
          items.length === 0 ? (
            <p class="quiet">
              No channel is configured. Messages are shown in the inbox only. A mail server or a messenger is added in
              the configuration of the notify-agent (docs/notifications.md).
            </p>
          ) : (
            <div class="scroll">
              <table class="stack">
                <thead>
                  <tr>
                    <th>Channel</th>
                    <th>Kind</th>
                    <th>Certificate</th>
                  </tr>
                </thead>
                <tbody>
                  {items.map(({ name, kind, insecureSkipVerify }) => (
                    <tr key={name}>
                      <td class="strong">{name}</td>
                      <td>{kind}</td>
                      <td>
                        {insecureSkipVerify === true ? (
                          <span
                            class="tag danger"
                            title="insecureSkipVerify is set: the certificate of this channel's server is not checked"
                          >
                            certificate not checked
                          </span>
                        ) : (
                          <span class="soft">checked</span>
                        )}
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )
        }
      </Loaded>
    </Section>
  );
}
