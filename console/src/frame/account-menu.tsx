// The menu of the signed-in person: name and role, theme, profile, API documentation, sign out.

import { useEffect, useRef } from "preact/hooks";
import { me, signOut } from "../data/session.ts";
import { Icon } from "../parts/icon.tsx";
import { ThemeChoice } from "./theme-choice.tsx";

export function AccountMenu() {
  const account = me.value;
  const menu = useRef<HTMLDetailsElement>(null);
  useCloseOnLeave(menu);
  return (
    <details class="menu person" ref={menu}>
      <summary aria-label={account ? `Signed in as ${account.name}` : "Account"}>
        <Icon name="person" />
        <span>{account?.name ?? ""}</span>
      </summary>
      <div class="menu-body">
        {account ? (
          <p class="soft">
            {account.name} · {account.role}
          </p>
        ) : null}
        <ThemeChoice name="theme" />
        <a href="/profile">Profile</a>
        <a href="/docs" data-native>
          API
        </a>
        <button type="button" class="button" onClick={() => void signOut()}>
          Sign out
        </button>
      </div>
    </details>
  );
}

/** Closes an open menu on Escape and on a press outside of it. */
function useCloseOnLeave(menu: { readonly current: HTMLDetailsElement | null }): void {
  useEffect(() => {
    const close = (event: Event): void => {
      const isInside = event.target instanceof Node && menu.current?.contains(event.target);
      const isEscape = event instanceof KeyboardEvent && event.key === "Escape";
      if (isEscape || (event.type === "pointerdown" && !isInside)) menu.current?.removeAttribute("open");
    };
    addEventListener("pointerdown", close);
    addEventListener("keydown", close);
    return () => {
      removeEventListener("pointerdown", close);
      removeEventListener("keydown", close);
    };
  }, []);
}
