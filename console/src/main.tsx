// The console: frame, pages by address, the sheet of a form, search and help.

import type { TaskSummary } from "@gantry/wire/agent/views.ts";
import { render } from "preact";
import { useEffect } from "preact/hooks";
import { type Page, problemFrom, v1 } from "./data/api.ts";
import { applyToPage, changesTaskRows } from "./data/apply-event.ts";
import { recentTasks } from "./data/attention.ts";
import { startClock } from "./data/clock.ts";
import { startLive } from "./data/live.ts";
import { loadMe } from "./data/session.ts";
import { useResource } from "./data/store.ts";
import { Frame } from "./frame/frame.tsx";
import { Palette } from "./frame/palette.tsx";
import { address, match, startRouter } from "./frame/router.ts";
import { ShortcutHelp } from "./frame/shortcut-help.tsx";
import { startShortcuts } from "./frame/shortcuts.ts";
import { AppPage } from "./pages/app.tsx";
import { AppsPage } from "./pages/apps.tsx";
import { FleetPage } from "./pages/fleet.tsx";
import { HomePage } from "./pages/home.tsx";
import { InboxPage } from "./pages/inbox.tsx";
import { PipelinePage, PipelinesPage } from "./pages/pipelines.tsx";
import { SettingsPage } from "./pages/settings.tsx";
import { SitesPage } from "./pages/sites.tsx";
import { TaskPage } from "./pages/task.tsx";
import { TasksPage } from "./pages/tasks.tsx";
import { EmptyState, ProblemBox } from "./parts/loading-states.tsx";
import { RunSheet } from "./run/run-sheet.tsx";

function Console() {
  const recent = useResource<Page<TaskSummary>>(v1.tasks({ limit: "100" }), {
    on: changesTaskRows,
    patch: applyToPage,
  });
  const tasks = recent.data.value?.items;
  useEffect(() => {
    if (tasks) recentTasks.value = tasks;
  }, [tasks]);
  const { path, query } = address.value;
  const run = query.get("run");
  return (
    <>
      <Frame>
        <PageOf path={path} />
      </Frame>
      {run === null ? null : <RunSheet pipeline={run} app={query.get("for") ?? undefined} key={run} />}
      <Palette />
      <ShortcutHelp />
    </>
  );
}

function PageOf({ path }: { path: string }) {
  const app = match("/apps/:name", path)?.name;
  const task = match("/tasks/:id", path)?.id;
  const pipeline = match("/pipelines/:name", path)?.name;
  if (path === "/") return <HomePage />;
  if (path === "/apps") return <AppsPage />;
  if (app !== undefined) return <AppPage name={app} key={app} />;
  if (path === "/tasks") return <TasksPage />;
  if (task !== undefined) return <TaskPage id={task} key={task} />;
  if (path === "/fleet") return <FleetPage />;
  if (path === "/sites") return <SitesPage />;
  if (path === "/pipelines") return <PipelinesPage />;
  if (pipeline !== undefined) return <PipelinePage name={pipeline} key={pipeline} />;
  if (path === "/inbox") return <InboxPage />;
  if (path === "/settings") return <SettingsPage />;
  return (
    <EmptyState title="There is no page at this address">
      <p>
        <a href="/">Go to Home</a>, or press <kbd>/</kbd> to search.
      </p>
    </EmptyState>
  );
}

async function begin(): Promise<void> {
  const root = document.getElementById("root");
  if (!root) throw new Error("the page has no root");
  try {
    await loadMe();
  } catch (error) {
    render(<ProblemBox problem={problemFrom(error)} onRetry={() => location.reload()} />, root);
    return;
  }
  startRouter();
  startClock();
  startShortcuts();
  startLive();
  render(<Console />, root);
}

void begin();
