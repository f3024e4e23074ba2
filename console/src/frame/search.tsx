// The search dialog: opens an app, a task, a pipeline or a page.

import type { AppView, PipelineView } from "@gantry/wire/agent/views.ts";
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { type Page, v1 } from "../data/api.ts";
import { recentTasks } from "../data/attention.ts";
import { useResource } from "../data/store.ts";
import { Icon } from "../parts/icon.tsx";
import { StateGlyph } from "../parts/state-badge.tsx";
import { RAIL } from "./pages.tsx";
import { go } from "./router.ts";
import { findHits, type SearchHit } from "./search-hits.ts";
import { isSearchOpen } from "./shortcuts.ts";

export function Search() {
  return isSearchOpen.value ? <SearchDialog /> : null;
}

function SearchDialog() {
  const dialog = useRef<HTMLDialogElement>(null);
  const text = useSignal("");
  const index = useSignal(0);
  const apps = useResource<Page<AppView>>(v1.apps).data.value?.items ?? [];
  const pipelines = useResource<Page<PipelineView>>(v1.pipelines).data.value?.items ?? [];
  useEffect(() => dialog.current?.showModal(), []);
  const hits = findHits({ apps, pipelines, pages: RAIL, tasks: recentTasks.value }, text.value);
  const chosen = Math.min(index.value, hits.length - 1);
  const open = (hit: SearchHit | undefined): void => {
    if (!hit) return;
    dialog.current?.close();
    go(hit.href);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const moves: { readonly [key: string]: number } = { ArrowDown: 1, ArrowUp: -1 };
    const move = moves[event.key];
    if (move !== undefined) index.value = (chosen + move + hits.length) % Math.max(1, hits.length);
    else if (event.key === "Enter") open(hits[chosen]);
    else return;
    event.preventDefault();
  };
  const onInput = (value: string): void => {
    text.value = value;
    index.value = 0;
  };
  const closed = (): void => {
    isSearchOpen.value = false;
  };
  return (
    <dialog class="box palette" ref={dialog} aria-label="Search" onClose={closed}>
      <SearchInput
        text={text.value}
        activeId={hits.length > 0 ? hitId(chosen) : undefined}
        onInput={onInput}
        onKeyDown={onKeyDown}
      />
      <div class="hits" role="listbox" id="hits" aria-label="Results">
        {hits.map((hit, at) => (
          <Hit key={hit.href + hit.kind} hit={hit} id={hitId(at)} isChosen={at === chosen} onOpen={() => open(hit)} />
        ))}
      </div>
      {hits.length === 0 ? <p class="quiet">Nothing found.</p> : null}
    </dialog>
  );
}

function SearchInput(props: {
  text: string;
  activeId: string | undefined;
  onInput: (text: string) => void;
  onKeyDown: (event: KeyboardEvent) => void;
}) {
  return (
    <div class="palette-input">
      <Icon name="search" />
      <input
        type="text"
        role="combobox"
        aria-label="Search apps, tasks, pipelines and pages"
        aria-expanded="true"
        aria-controls="hits"
        aria-activedescendant={props.activeId}
        placeholder="App, task, pipeline or page"
        autoComplete="off"
        spellcheck={false}
        value={props.text}
        onInput={({ currentTarget }) => props.onInput(currentTarget.value)}
        onKeyDown={props.onKeyDown}
      />
    </div>
  );
}

function hitId(index: number): string {
  return `hit-${index}`;
}

function Hit({ hit, id, isChosen, onOpen }: { hit: SearchHit; id: string; isChosen: boolean; onOpen: () => void }) {
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the input handles the keyboard, as in every combobox
    <div id={id} role="option" tabIndex={-1} aria-selected={isChosen} onClick={onOpen}>
      {hit.state === undefined ? (
        <Icon name={hit.kind === "page" ? "more" : `${hit.kind}s`} />
      ) : (
        <StateGlyph state={hit.state} />
      )}
      <span class="strong">{hit.name}</span>
      <span class="soft more">{hit.description}</span>
      <span class="faint">{hit.kind}</span>
    </div>
  );
}
