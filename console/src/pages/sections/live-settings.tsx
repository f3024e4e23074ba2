// Live settings: they take effect in running processes. Shows the values, a form to change one, and the last changes.

import type { JsonValue } from "@gantry/core/json.ts";
import type { ProblemBody } from "@gantry/runtime/http/problem.ts";
import type { SettingsChangeView, SettingsView, SettingView } from "@gantry/wire/settings/settings.ts";
import { useSignal } from "@preact/signals";
import { type Page, problemFrom, send, v1 } from "../../data/api.ts";
import { useResource } from "../../data/store.ts";
import { ActionTable } from "../../parts/action-table.tsx";
import { Loaded, ProblemBox } from "../../parts/loading-states.tsx";
import { Section } from "../../parts/page-layout.tsx";
import { Prose } from "../../parts/prose.tsx";
import { RelativeTime } from "../../parts/values.tsx";

/** Changes that the page lists. */
const MAX_CHANGES = 5;

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
    <Section title="Live settings">
      {problem.value ? <ProblemBox problem={problem.value} /> : null}
      <Loaded resource={settings}>
        {({ version, items }) => (
          <ActionTable heads={["Setting", "Value"]} action="Change" isLong>
            {items.map((setting) => (
              <SettingRow
                key={setting.key}
                setting={setting}
                isOpen={open.value === setting.key}
                onOpen={() => {
                  open.value = setting.key;
                }}
                onSet={(value) => void set(version, setting.key, value)}
              />
            ))}
          </ActionTable>
        )}
      </Loaded>
      <Loaded resource={history}>{({ items }) => <History changes={items.slice(0, MAX_CHANGES)} />}</Loaded>
    </Section>
  );
}

function SettingRow(props: {
  setting: SettingView;
  isOpen: boolean;
  onOpen: () => void;
  onSet: (value: JsonValue) => void;
}) {
  const { setting } = props;
  return (
    <tr>
      <td>
        <span class="strong">{setting.key}</span>{" "}
        <span class="soft">
          <Prose text={setting.title} />
        </span>
      </td>
      <td>
        {setting.value === null ? (
          <span class="soft">
            not set: <Prose text={setting.unset} />
          </span>
        ) : (
          show(setting.value)
        )}
      </td>
      <td class="end">
        {props.isOpen ? (
          <Change setting={setting} onSet={props.onSet} />
        ) : (
          <button type="button" class="button small" aria-label={`Change ${setting.key}`} onClick={props.onOpen}>
            Change
          </button>
        )}
      </td>
    </tr>
  );
}

function History({ changes }: { changes: readonly SettingsChangeView[] }) {
  if (changes.length === 0) return null;
  return (
    <section>
      <h3>Last changes</h3>
      <ul>
        {changes.map(({ version, at, by, reason, changes: changed }) => (
          <li key={version} class="soft">
            <RelativeTime at={at} /> {by}:{" "}
            {changed.map((one) => `${one.key} from ${show(one.from)} to ${show(one.to)}`).join(", ")}
            {reason === undefined ? (
              ""
            ) : (
              <>
                {" "}
                (<Prose text={reason} />)
              </>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}

function Change({ setting, onSet }: { setting: SettingView; onSet: (value: JsonValue) => void }) {
  const text = useSignal(setting.value === null ? "" : show(setting.value));
  return (
    <form
      class="inline"
      onSubmit={(event) => {
        event.preventDefault();
        onSet(parseValue(text.value, setting));
      }}
    >
      <label>
        <Prose text={setting.allowed} />
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
        Reset to default
      </button>
    </form>
  );
}

/** The value that a text stands for. The portal validates it. */
function parseValue(text: string, { allowed }: SettingView): JsonValue {
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
