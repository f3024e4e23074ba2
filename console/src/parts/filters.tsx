// Filters of a list. They are in the address, so that a filtered list can be linked.

import { go, withQuery } from "../frame/router.ts";

type Options = readonly (readonly [value: string, word: string])[];

/** One of several values. A value from the address that is not among them is shown as it is. */
export function Choice(props: { name: string; label: string; options: Options; value: string | undefined }) {
  const { name, label, value } = props;
  const isKnown = value === undefined || props.options.some(([option]) => option === value);
  return (
    <label class={value === undefined ? "filter" : "filter is-set"}>
      <span>{label}</span>
      <select
        value={value ?? ""}
        onChange={({ currentTarget }) => go(withQuery({ [name]: currentTarget.value || undefined }))}
      >
        <option value="">any</option>
        {isKnown ? null : <option value={value}>{value}</option>}
        {props.options.map(([option, word]) => (
          <option value={option} key={option}>
            {word}
          </option>
        ))}
      </select>
    </label>
  );
}

type Field = { readonly name: string; readonly label: string; readonly value: string | undefined };

/** A text that is applied when the field is left or Enter is pressed. */
export function TextFilter({ name, label, value = "" }: Field) {
  return (
    <label class={value === "" ? "filter" : "filter is-set"}>
      <span>{label}</span>
      <input
        type="text"
        autoComplete="off"
        value={value}
        onChange={({ currentTarget }) => set(name, currentTarget.value)}
      />
    </label>
  );
}

/** A time in the time zone of the browser. */
export function TimeFilter({ name, label, value = "" }: Field) {
  return (
    <label class={value === "" ? "filter" : "filter is-set"}>
      <span>{label}</span>
      <input type="datetime-local" value={value} onChange={({ currentTarget }) => set(name, currentTarget.value)} />
    </label>
  );
}

function set(name: string, value: string): void {
  go(withQuery({ [name]: value.trim() || undefined }));
}
