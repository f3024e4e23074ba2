// The console: frame, pages by address, the sheet of a form, search and help.

import type { TaskSummary } from "@gantry/wire/views.ts";
import { render } from "preact";
import { useEffect } from "preact/hooks";
import { type Page, problemFrom, v1 } from "./api.ts";
import { startClock } from "./clock.ts";
import { startKeys } from "./keys.ts";
import { startLive } from "./live.ts";
import { recentTasks } from "./needs.ts";
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
import { Empty, ProblemBox } from "./parts/answers.tsx";
import { Frame } from "./parts/frame.tsx";
import { Help } from "./parts/help.tsx";
import { Palette } from "./parts/palette.tsx";
import { RunSheet } from "./parts/run-sheet.tsx";
import { changesRows, patchPage } from "./patch.ts";
import { address, match, startRouter } from "./router.ts";
import { loadMe } from "./session.ts";
import { useResource } from "./store.ts";

function Console() {
  const recent = useResource<Page<TaskSummary>>(v1.tasks({ limit: "100" }), { on: changesRows, patch: patchPage });
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
      <Help />
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
    <Empty title="There is no page at this address">
      <p>
        <a href="/">Go to Home</a>, or press <kbd>/</kbd> to search.
      </p>
    </Empty>
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
  startKeys();
  startLive();
  render(<Console />, root);
}

void begin();
