// Who is signed in, and what they may do.

import { computed, signal } from "@preact/signals";
import { type Me, read, send } from "./api.ts";

export const me = signal<Me | undefined>(undefined);
export const mayRun = computed(() => me.value !== undefined && me.value.role !== "viewer");
export const isAdmin = computed(() => me.value?.role === "admin");

export async function loadMe(): Promise<void> {
  me.value = await read<Me>("/v1/me");
}

export async function signOut(): Promise<void> {
  const answer = await send<{ readonly next: string }>("POST", "/sign-out");
  // The issuer ends its own session, and sends the browser back.
  location.assign(answer?.next ?? "/sign-in");
}
