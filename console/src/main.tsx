// The console starts here: it loads who is signed in, starts the router, the clock, the shortcuts and the event feed, and
// shows the frame with the current page and the dialogs above it.

import type { TaskSummary } from "@gantry/wire/agent/views.ts";
import { render } from "preact";
import { useEffect } from "preact/hooks";
import { type AskedApproval, type Page, problemFrom, v1 } from "./data/api.ts";
import { applyToPage, changesTaskRows } from "./data/apply-event.ts";
import { askedCount, askedOfMe, changesAsked } from "./data/asked.ts";
import { recentTasks } from "./data/attention.ts";
import { startClock } from "./data/clock.ts";
import { startLive } from "./data/live.ts";
import { loadMe } from "./data/session.ts";
import { useResource } from "./data/store.ts";
import { CurrentPage } from "./frame/current-page.tsx";
import { Frame } from "./frame/frame.tsx";
import { RAIL } from "./frame/pages.tsx";
import { address, startRouter } from "./frame/router.ts";
import { Search } from "./frame/search.tsx";
import { ShortcutHelp } from "./frame/shortcut-help.tsx";
import { startShortcuts } from "./frame/shortcuts.ts";
import { ProblemBox } from "./parts/loading-states.tsx";
import { RunSheet } from "./run/run-sheet.tsx";

function Console() {
  const recent = useResource<Page<TaskSummary>>(v1.tasks({ limit: "100" }), {
    reloadOn: changesTaskRows,
    patch: applyToPage,
  });
  const tasks = recent.data.value?.items;
  useEffect(() => {
    if (tasks) recentTasks.value = tasks;
  }, [tasks]);
  const asked = useResource<Page<AskedApproval>>(askedOfMe, { reloadOn: changesAsked }).data.value?.items;
  useEffect(() => {
    if (asked) askedCount.value = asked.length;
  }, [asked]);
  const { query } = address.value;
  const run = query.get("run");
  return (
    <>
      <Frame>
        <CurrentPage />
      </Frame>
      {run === null ? null : (
        <RunSheet
          pipeline={run}
          app={query.get("for") ?? undefined}
          build={query.get("build") ?? undefined}
          key={run}
        />
      )}
      <Search />
      <ShortcutHelp />
    </>
  );
}

async function begin(): Promise<void> {
  const root = document.getElementById("root");
  if (!root) throw new Error("page.html has no element with the id root");
  try {
    await loadMe();
  } catch (error) {
    render(<ProblemBox problem={problemFrom(error)} onRetry={() => location.reload()} />, root);
    return;
  }
  startRouter();
  startClock();
  startShortcuts(new Map(RAIL.flatMap(({ shortcut, path }) => (shortcut === undefined ? [] : [[shortcut, path]]))));
  startLive();
  render(<Console />, root);
}

void begin();
