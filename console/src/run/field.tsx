// One field of a form, with its label, description and errors. The schema decides which input it gets.

import { useSignal } from "@preact/signals";
import { Prose } from "../parts/prose.tsx";
import { BuildChoice } from "./build-choice.tsx";
import type { Field } from "./form.ts";

type Entry = string | readonly string[];
type Props = {
  readonly field: Field;
  readonly value: Entry;
  readonly options: readonly string[];
  readonly app?: string | undefined;
  readonly errors: readonly string[];
  readonly onChange: (value: Entry) => void;
};

export function FieldInput(props: Props) {
  const { field, errors } = props;
  const id = `field-${field.name}`;
  const about = `${id}-about`;
  const text = (
    <p class="field-about" id={about}>
      <Prose text={field.description} />
    </p>
  );
  const problems = errors.map((error) => (
    <p class="field-error" key={error}>
      <Prose text={error} />
    </p>
  ));
  if (field.kind === "list") {
    return (
      <fieldset class={errors.length > 0 ? "field is-wrong" : "field"} aria-describedby={about}>
        <legend>
          <Label field={field} />
        </legend>
        {text}
        <ListInput {...props} id={id} />
        {problems}
      </fieldset>
    );
  }
  return (
    <div class={errors.length > 0 ? "field is-wrong" : "field"}>
      <label for={id}>
        <Label field={field} />
      </label>
      {field.description === "" ? null : text}
      <OneInput {...props} id={id} about={field.description === "" ? undefined : about} />
      {problems}
    </div>
  );
}

function Label({ field }: { field: Field }) {
  return (
    <>
      <Prose text={field.title} />
      {field.isRequired ? null : <span class="optional">optional</span>}
    </>
  );
}

function OneInput({
  field,
  value,
  errors,
  onChange,
  id,
  about,
  app,
}: Props & { id: string; about: string | undefined }) {
  const text = typeof value === "string" ? value : "";
  const shared = {
    id,
    name: field.name,
    "aria-describedby": about,
    "aria-invalid": errors.length > 0,
    required: field.isRequired,
  } as const;
  const placeholder = field.isDecidedLater ? "decided when the task runs" : "";
  if (field.ui === "build" && app !== undefined) return <BuildChoice {...{ app, shared, value: text, onChange }} />;
  if (field.kind === "choice") return <Choices {...{ field, shared, text, placeholder, onChange }} />;
  if (field.kind === "yes-no") {
    return (
      <input
        {...shared}
        type="checkbox"
        checked={text === "true"}
        onChange={({ currentTarget }) => onChange(String(currentTarget.checked))}
      />
    );
  }
  const onInput = ({ currentTarget }: { currentTarget: HTMLInputElement | HTMLTextAreaElement }): void =>
    onChange(currentTarget.value);
  if (field.isSecret) {
    return <input {...shared} type="password" autoComplete="new-password" value={text} onInput={onInput} />;
  }
  if (field.kind === "json" || field.ui === "text") {
    return (
      <textarea {...shared} rows={4} spellcheck={false} placeholder={placeholder} value={text} onInput={onInput} />
    );
  }
  const list = `${id}-offers`;
  return (
    <>
      <input
        {...shared}
        {...(field.offers.length > 0 ? { list } : {})}
        type="text"
        inputMode={field.kind !== "number" ? "text" : field.isWhole ? "numeric" : "decimal"}
        maxLength={field.kind === "text" ? field.max : undefined}
        title={field.pattern === undefined ? undefined : `It must match ${field.pattern}`}
        autoComplete="off"
        spellcheck={false}
        placeholder={placeholder}
        value={text}
        onInput={onInput}
      />
      {field.offers.length === 0 ? null : (
        <datalist id={list}>
          {field.offers.map((offer) => (
            <option value={offer} key={offer} />
          ))}
        </datalist>
      )}
    </>
  );
}

function Choices(props: {
  field: Field;
  shared: object;
  text: string;
  placeholder: string;
  onChange: (value: Entry) => void;
}) {
  const { field, shared, text, placeholder, onChange } = props;
  return (
    <select {...shared} value={text} onChange={({ currentTarget }) => onChange(currentTarget.value)}>
      {field.default === undefined || field.isDecidedLater ? <option value="">{placeholder || "choose"}</option> : null}
      {field.choices.map((choice) => (
        <option value={choice} key={choice}>
          {choice}
        </option>
      ))}
    </select>
  );
}

/** Check boxes for the known values, and an input for other ones. */
function ListInput({ field, value, options, onChange, id }: Props & { id: string }) {
  const chosen = typeof value === "string" ? [] : value;
  const draft = useSignal("");
  const all = [...new Set([...options, ...chosen])];
  const add = (): void => {
    const text = draft.value.trim();
    draft.value = "";
    if (text !== "" && !chosen.includes(text)) onChange([...chosen, text]);
  };
  return (
    <>
      {all.map((one) => (
        <label class="tick" key={one}>
          <input
            type="checkbox"
            checked={chosen.includes(one)}
            onChange={({ currentTarget }) =>
              onChange(currentTarget.checked ? [...chosen, one] : chosen.filter((other) => other !== one))
            }
          />
          <span class="mono">{one}</span>
        </label>
      ))}
      {field.isDecidedLater && chosen.length === 0 ? (
        <p class="field-about">With nothing selected, this is decided when the task runs.</p>
      ) : null}
      <div class="add">
        <input
          id={id}
          type="text"
          aria-label={`Add to ${field.title}`}
          autoComplete="off"
          spellcheck={false}
          value={draft.value}
          onInput={({ currentTarget }) => {
            draft.value = currentTarget.value;
          }}
          onKeyDown={(event) => {
            if (event.key !== "Enter") return;
            event.preventDefault();
            add();
          }}
        />
        <button type="button" class="button small" onClick={add}>
          Add entry
        </button>
      </div>
    </>
  );
}
