// Settings that are changed while everything runs: what is set, what may be, and who has changed what.

import type { JsonValue } from "@gantry/core/json.ts";
import type { ProblemBody } from "@gantry/runtime/http/problem.ts";
import type { SettingsChangeView, SettingsView, SettingView } from "@gantry/wire/settings/settings.ts";
import { useSignal } from "@preact/signals";
import { type Page, problemFrom, send, v1 } from "../data/api.ts";
import { useResource } from "../data/store.ts";
import { ActionTable } from "../parts/action-table.tsx";
import { Loaded, ProblemBox } from "../parts/loading-states.tsx";
import { Section } from "../parts/page-layout.tsx";
import { RelativeTime } from "../parts/values.tsx";

export function LiveSettings() {
  const settings = useResource<SettingsView>(v1.settings);
  const history = useResource<Page<SettingsChangeView>>(v1.settingsHistory);
  const open = useSignal<string | undefined>(undefined);
  const problem = useSignal<ProblemBody | undefined>(undefined);
  const set = async (version: number, key: string, value: JsonValue): Promise<void> => {
    problem.value = undefined;
    try {
      await send("POST", v1.settings, { version, changes: { [key]: value } });
      open.value = undefined;
    } catch (error) {
      problem.value = problemFrom(error);
    }
    settings.reload();
    history.reload();
  };
  return (
    <Section title="While everything runs">
      {problem.value ? <ProblemBox problem={problem.value} /> : null}
      <Loaded resource={settings}>
        {({ version, items }) => (
          <ActionTable heads={["Setting", "Now"]} action="Change">
            {items.map((one) => (
              <tr key={one.key}>
                <td>
                  <span class="strong">{one.key}</span> <span class="soft">{one.title}</span>
                </td>
                <td>{one.value === null ? <span class="soft">not set: {one.unset}</span> : show(one.value)}</td>
                <td class="end">
                  {open.value === one.key ? (
                    <Change setting={one} onSet={(value) => void set(version, one.key, value)} />
                  ) : (
                    <button
                      type="button"
                      class="button small"
                      aria-label={`Change ${one.key}`}
                      onClick={() => {
                        open.value = one.key;
                      }}
                    >
                      Change
                    </button>
                  )}
                </td>
              </tr>
            ))}
          </ActionTable>
        )}
      </Loaded>
      <Loaded resource={history}>
        {({ items }) => (
          <ul>
            {items.slice(0, 5).map(({ version, at, by, reason, changes }) => (
              <li key={version} class="soft">
                <RelativeTime at={at} /> {by}:{" "}
                {changes.map((one) => `${one.key} from ${show(one.from)} to ${show(one.to)}`).join(", ")}
                {reason === undefined ? "" : ` (${reason})`}
              </li>
            ))}
          </ul>
        )}
      </Loaded>
    </Section>
  );
}

function Change({ setting, onSet }: { setting: SettingView; onSet: (value: JsonValue) => void }) {
  const text = useSignal(setting.value === null ? "" : show(setting.value));
  return (
    <form
      class="inline"
      onSubmit={(event) => {
        event.preventDefault();
        onSet(meaningOf(text.value, setting));
      }}
    >
      <label>
        {setting.allowed}
        <input
          type="text"
          autoComplete="off"
          value={text.value}
          onInput={({ currentTarget }) => {
            text.value = currentTarget.value;
          }}
        />
      </label>
      <button type="submit" class="button primary small">
        Set {setting.key}
      </button>{" "}
      <button type="button" class="button small" onClick={() => onSet(null)}>
        As configured
      </button>
    </form>
  );
}

/** The portal checks it, and says what is allowed. */
function meaningOf(text: string, { allowed }: SettingView): JsonValue {
  if (allowed.startsWith("a list")) return text.split(",").flatMap((part) => (part.trim() === "" ? [] : [part.trim()]));
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return text.trim();
  }
}

function show(value: JsonValue): string {
  if (value === null) return "not set";
  if (Array.isArray(value)) return value.join(", ") || "none";
  return typeof value === "string" ? value : JSON.stringify(value);
}
