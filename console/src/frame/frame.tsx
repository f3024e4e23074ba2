// The frame around every page: navigation rail, top bar, and the region whose text screen readers announce.

import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { announcement } from "../data/live.ts";
import { Icon } from "../parts/icon.tsx";
import { AccountMenu } from "./account-menu.tsx";
import { Breadcrumbs } from "./breadcrumbs.tsx";
import { ConnectionBadge } from "./connection-badge.tsx";
import { readPreference, savePreference } from "./preferences.ts";
import { Rail } from "./rail.tsx";
import { isSearchOpen } from "./shortcuts.ts";

const RAIL_PREFERENCE = "gantry.rail";

export function Frame({ children }: { children: ComponentChildren }) {
  const isCollapsed = useSignal(readPreference(RAIL_PREFERENCE) === "folded");
  const toggle = (): void => {
    isCollapsed.value = !isCollapsed.value;
    savePreference(RAIL_PREFERENCE, isCollapsed.value ? "folded" : "open");
  };
  return (
    <div class={isCollapsed.value ? "frame folded" : "frame"}>
      <a class="skip" href="#content" data-native>
        Skip to content
      </a>
      <Rail isCollapsed={isCollapsed.value} onToggle={toggle} />
      <header class="top">
        <Breadcrumbs />
        <SearchButton />
        <ConnectionBadge />
        <AccountMenu />
      </header>
      <main id="content" tabIndex={-1}>
        {children}
      </main>
      <p class="hidden" aria-live="polite">
        {announcement.value}
      </p>
    </div>
  );
}

/** On a narrow screen only the icon is visible, so the name is an attribute. */
function SearchButton() {
  const open = (): void => {
    isSearchOpen.value = true;
  };
  return (
    <button type="button" class="search" aria-label="Search" onClick={open} aria-keyshortcuts="/ Control+K">
      <Icon name="search" />
      <span>Search</span>
      <kbd>/</kbd>
    </button>
  );
}
