// The bar above a log: search, number of lines, first error, line wrap, download.

import { useSignal } from "@preact/signals";
import { readPreference, savePreference } from "../frame/preferences.ts";
import { count } from "../parts/format.ts";
import { Icon } from "../parts/icon.tsx";
import type { Folding } from "./log-groups.ts";

const WRAP_PREFERENCE = "gantry.wrap";

export type Wrap = { readonly isOn: boolean; readonly toggle: () => void };

type SearchState = {
  readonly text: string;
  readonly hitCount: number;
  /** Of the hit that is shown, from 0; -1 before the first. */
  readonly index: number;
  readonly set: (text: string) => void;
  readonly move: (by: number) => void;
};

/** Whether long lines wrap, as this browser remembers it. */
export function useWrap(): Wrap {
  const isOn = useSignal(readPreference(WRAP_PREFERENCE) !== "no");
  const toggle = (): void => {
    isOn.value = !isOn.value;
    savePreference(WRAP_PREFERENCE, isOn.value ? "yes" : "no");
  };
  return { isOn: isOn.value, toggle };
}

export function LogBar(props: {
  lineCount: number;
  search: SearchState;
  wrap: Wrap;
  groups: Folding;
  download: { path: string; name: string };
  onShowError: (() => void) | undefined;
}) {
  const { wrap, groups, download, onShowError } = props;
  return (
    <div class="log-bar">
      <SearchField {...props.search} />
      <span class="spacer" />
      <span class="soft num">{count(props.lineCount, "line")}</span>
      {onShowError === undefined ? null : (
        <button type="button" class="button small" onClick={onShowError}>
          Show first error
        </button>
      )}
      {groups.sizes.size === 0 ? null : (
        <button type="button" class="button small" onClick={groups.toggleAll}>
          {groups.folded.size > 0 ? "Unfold groups" : "Fold groups"}
        </button>
      )}
      <button
        type="button"
        class="icon-button"
        aria-pressed={wrap.isOn}
        aria-label="Wrap long lines"
        title="Wrap long lines"
        onClick={wrap.toggle}
      >
        <Icon name="wrap" />
      </button>
      <a
        class="icon-button"
        href={download.path}
        download={`${download.name}.log`}
        aria-label="Download log"
        title="Download log"
      >
        <Icon name="download" />
      </a>
    </div>
  );
}

function SearchField({ text, hitCount, index, set, move }: SearchState) {
  return (
    <>
      <label class="log-search">
        <Icon name="search" />
        <input
          type="search"
          aria-label="Search in this log"
          placeholder="Search in this log"
          value={text}
          onInput={({ currentTarget }) => set(currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter") move(event.shiftKey ? -1 : 1);
          }}
        />
      </label>
      {text === "" ? null : (
        <span class="soft num" aria-live="polite">
          {hitCount === 0 ? "not found" : `${Math.max(0, index) + 1} of ${count(hitCount, "line")}`}
        </span>
      )}
    </>
  );
}
