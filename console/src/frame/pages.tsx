// The pages of the console. The router, the navigation rail, the breadcrumbs, the search, the keyboard shortcuts and the
// titles of browser tabs are made from this table: a new page is one entry here and one component in pages/.

import type { ReadonlySignal } from "@preact/signals";
import type { VNode } from "preact";
import { askedCount } from "../data/asked.ts";
import { attentionCount } from "../data/attention.ts";
import { AdoptPage } from "../pages/adopt.tsx";
import { AnswerPage } from "../pages/answer.tsx";
import { AppPage } from "../pages/app.tsx";
import { ChangeAppPage } from "../pages/app-form.tsx";
import { AppsPage } from "../pages/apps.tsx";
import { AuditPage } from "../pages/audit.tsx";
import { BuildsPage } from "../pages/builds.tsx";
import { FleetPage } from "../pages/fleet.tsx";
import { HomePage } from "../pages/home.tsx";
import { InboxPage } from "../pages/inbox.tsx";
import { PeoplePage } from "../pages/people.tsx";
import { PipelinePage, PipelinesPage } from "../pages/pipelines.tsx";
import { ProfilePage } from "../pages/profile.tsx";
import { SettingsPage } from "../pages/settings.tsx";
import { SitesPage } from "../pages/sites.tsx";
import { StepsPage } from "../pages/steps.tsx";
import { TaskPage } from "../pages/task.tsx";
import { TasksPage } from "../pages/tasks.tsx";
import { WebhooksPage } from "../pages/webhooks.tsx";
import { matchPath, type Params } from "./router.ts";

export type PageEntry = {
  /** The address. A part that begins with a colon stands for any value, which is then in `params` under that name. */
  readonly path: string;
  /** In the rail, in breadcrumbs and in the browser tab. A page whose title depends on its data replaces the last one. */
  readonly title: string | ((params: Params) => string);
  /** Pages without it are reached from other pages only. */
  readonly rail?: {
    /** Name of the symbol `#i-<icon>` in sprite.svg. */
    readonly icon: string;
    /** `g`, then this letter, opens the page. */
    readonly shortcut?: string;
    /** A number beside the title; 0 shows none. */
    readonly badge?: ReadonlySignal<number>;
  };
  readonly render: (params: Params) => VNode;
};

export const PAGES: readonly PageEntry[] = [
  {
    path: "/",
    title: "Home",
    rail: { icon: "home", shortcut: "h", badge: attentionCount },
    render: () => <HomePage />,
  },
  { path: "/apps", title: "Apps", rail: { icon: "apps", shortcut: "a" }, render: () => <AppsPage /> },
  { path: "/apps/:name", title: ({ name = "" }) => name, render: ({ name = "" }) => <AppPage name={name} /> },
  {
    path: "/apps/:name/change",
    title: ({ name = "" }) => `Change ${name}`,
    render: ({ name = "" }) => <ChangeAppPage name={name} />,
  },
  { path: "/adopt", title: "Adopt an app", render: () => <AdoptPage /> },
  { path: "/builds", title: "Builds", rail: { icon: "builds", shortcut: "b" }, render: () => <BuildsPage /> },
  { path: "/tasks", title: "Tasks", rail: { icon: "tasks", shortcut: "t" }, render: () => <TasksPage /> },
  { path: "/tasks/:id", title: ({ id = "" }) => id.slice(-8), render: ({ id = "" }) => <TaskPage id={id} /> },
  { path: "/tasks/:id/answer", title: "Answer", render: ({ id = "" }) => <AnswerPage id={id} /> },
  { path: "/fleet", title: "Fleet", rail: { icon: "fleet", shortcut: "f" }, render: () => <FleetPage /> },
  { path: "/sites", title: "Sites", rail: { icon: "sites", shortcut: "s" }, render: () => <SitesPage /> },
  {
    path: "/pipelines",
    title: "Pipelines",
    rail: { icon: "pipelines", shortcut: "p" },
    render: () => <PipelinesPage />,
  },
  { path: "/pipelines/:name", title: ({ name = "" }) => name, render: ({ name = "" }) => <PipelinePage name={name} /> },
  { path: "/steps", title: "Steps", render: () => <StepsPage /> },
  {
    path: "/inbox",
    title: "Inbox",
    rail: { icon: "inbox", shortcut: "i", badge: askedCount },
    render: () => <InboxPage />,
  },
  { path: "/webhooks", title: "Webhooks", render: () => <WebhooksPage /> },
  { path: "/audit", title: "Audit log", render: () => <AuditPage /> },
  { path: "/people", title: "People", render: () => <PeoplePage /> },
  { path: "/profile", title: "Profile", render: () => <ProfilePage /> },
  { path: "/settings", title: "Settings", rail: { icon: "settings" }, render: () => <SettingsPage /> },
];

export type RailEntry = { readonly path: string; readonly title: string } & NonNullable<PageEntry["rail"]>;

/** The pages of the rail, in the order of the table. */
export const RAIL: readonly RailEntry[] = PAGES.flatMap(({ path, title, rail }) =>
  rail && typeof title === "string" ? [{ path, title, ...rail }] : [],
);

/** The page at a path and the values in the path; undefined when there is no such page. */
export function findPage(path: string): { readonly page: PageEntry; readonly params: Params } | undefined {
  for (const page of PAGES) {
    const params = matchPath(page.path, path);
    if (params) return { page, params };
  }
  return undefined;
}

export function titleOf({ title }: PageEntry, params: Params): string {
  return typeof title === "string" ? title : title(params);
}
