// Search: jumps to an app, a task, a pipeline or a page.

import type { State } from "@gantry/core/task/states.ts";
import type { AppView, PipelineView } from "@gantry/wire/agent/views.ts";
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { type Page, to, v1 } from "../data/api.ts";
import { recentTasks } from "../data/attention.ts";
import { useResource } from "../data/store.ts";
import { Icon, StateGlyph } from "../parts/state-badge.tsx";
import { go } from "./router.ts";
import { isPaletteOpen } from "./shortcuts.ts";

type Hit = {
  readonly href: string;
  readonly kind: string;
  readonly text: string;
  readonly more: string;
  readonly state?: State;
};

export function openPalette(): void {
  isPaletteOpen.value = true;
}

export function Palette() {
  return isPaletteOpen.value ? <Search /> : null;
}

const PAGES = ["Home", "Apps", "Tasks", "Fleet", "Sites", "Pipelines", "Inbox", "Settings"];

function Search() {
  const dialog = useRef<HTMLDialogElement>(null);
  const text = useSignal("");
  const at = useSignal(0);
  const apps = useResource<Page<AppView>>(v1.apps).data.value?.items ?? [];
  const pipelines = useResource<Page<PipelineView>>(v1.pipelines).data.value?.items ?? [];
  useEffect(() => dialog.current?.showModal(), []);
  const all: Hit[] = [
    ...apps.map(({ name, record }) => ({
      href: to.app(name),
      kind: "app",
      text: name,
      more: typeof record.title === "string" ? record.title : "",
    })),
    ...pipelines.map(({ name, title, summary }) => ({
      href: to.pipeline(name),
      kind: "pipeline",
      text: title,
      more: summary,
    })),
    ...PAGES.map((name) => ({
      href: name === "Home" ? "/" : `/${name.toLowerCase()}`,
      kind: "page",
      text: name,
      more: "",
    })),
    ...recentTasks.value.map(({ id, title, headline, state }) => ({
      href: to.task(id),
      kind: "task",
      text: title,
      more: `${id} ${headline}`,
      state,
    })),
  ];
  const words = text.value.toLowerCase().split(/\s+/);
  const hits = all
    .filter(({ kind, text: name, more }) =>
      words.every((word) => `${kind} ${name} ${more}`.toLowerCase().includes(word)),
    )
    .slice(0, 12);
  const chosen = Math.min(at.value, hits.length - 1);
  const open = (hit: Hit | undefined): void => {
    if (!hit) return;
    dialog.current?.close();
    go(hit.href);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const moves: { readonly [key: string]: number } = { ArrowDown: 1, ArrowUp: -1 };
    const move = moves[event.key];
    if (move !== undefined) at.value = (chosen + move + hits.length) % Math.max(1, hits.length);
    else if (event.key === "Enter") open(hits[chosen]);
    else return;
    event.preventDefault();
  };
  return (
    <dialog
      class="box palette"
      ref={dialog}
      aria-label="Search"
      onClose={() => {
        isPaletteOpen.value = false;
      }}
    >
      <div class="palette-input">
        <Icon name="search" />
        <input
          type="text"
          role="combobox"
          aria-label="Search apps, tasks, pipelines"
          aria-expanded="true"
          aria-controls="hits"
          aria-activedescendant={hits.length > 0 ? `hit-${chosen}` : undefined}
          placeholder="App, task, pipeline or page"
          autoComplete="off"
          spellcheck={false}
          value={text.value}
          onInput={({ currentTarget }) => {
            text.value = currentTarget.value;
            at.value = 0;
          }}
          onKeyDown={onKeyDown}
        />
      </div>
      <div class="hits" role="listbox" id="hits" aria-label="Results">
        {hits.map((hit, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the keyboard acts through the input, as a combobox does
          <div
            key={hit.href + hit.kind}
            id={`hit-${index}`}
            role="option"
            tabIndex={-1}
            aria-selected={index === chosen}
            onClick={() => open(hit)}
          >
            {hit.state === undefined ? (
              <Icon name={hit.kind === "page" ? "more" : `${hit.kind}s`} />
            ) : (
              <StateGlyph state={hit.state} />
            )}
            <span class="strong">{hit.text}</span>
            <span class="soft more">{hit.more}</span>
            <span class="faint">{hit.kind}</span>
          </div>
        ))}
      </div>
      {hits.length === 0 ? <p class="quiet">Nothing is called so.</p> : null}
    </dialog>
  );
}
