// Every address of the portal. A route that is not in this list does not exist.

import type { Route } from "./route.ts";
import { cancelTask } from "./routes/cancel-task.ts";
import { createApp } from "./routes/create-app.ts";
import { createSignInLink } from "./routes/create-sign-in-link.ts";
import { createToken } from "./routes/create-token.ts";
import { documentRoutes } from "./routes/documents.ts";
import { getApp } from "./routes/get-app.ts";
import { getPipeline } from "./routes/get-pipeline.ts";
import { getTask } from "./routes/get-task.ts";
import { livez, metrics, readyz, version } from "./routes/health.ts";
import { listApps } from "./routes/list-apps.ts";
import { listDeliveries } from "./routes/list-deliveries.ts";
import { listInbox } from "./routes/list-inbox.ts";
import { listPipelines } from "./routes/list-pipelines.ts";
import { listRunners } from "./routes/list-runners.ts";
import { listSites } from "./routes/list-sites.ts";
import { listSteps } from "./routes/list-steps.ts";
import { listSystems } from "./routes/list-systems.ts";
import { listTasks } from "./routes/list-tasks.ts";
import { listTokens } from "./routes/list-tokens.ts";
import { getMe } from "./routes/me.ts";
import { readLog } from "./routes/read-log.ts";
import { rerunTask } from "./routes/rerun-task.ts";
import { resolveJob } from "./routes/resolve-job.ts";
import { revokeToken } from "./routes/revoke-token.ts";
import { runCd, runCi } from "./routes/run-of-app.ts";
import { getSettings, listSettingsHistory, setSettings } from "./routes/settings.ts";
import { showSignIn, signIn } from "./routes/sign-in.ts";
import { signOut } from "./routes/sign-out.ts";
import { startTask } from "./routes/start-task.ts";
import { watchEvents } from "./routes/watch-events.ts";
import { watchTask } from "./routes/watch-task.ts";

export const ROUTES: readonly Route[] = [
  createApp,
  runCi,
  runCd,
  listApps,
  getApp,
  startTask,
  listTasks,
  getTask,
  watchTask,
  readLog,
  cancelTask,
  rerunTask,
  resolveJob,
  watchEvents,
  listSites,
  listRunners,
  listSystems,
  listPipelines,
  getPipeline,
  listSteps,
  listInbox,
  listDeliveries,
  getMe,
  getSettings,
  setSettings,
  listSettingsHistory,
  createToken,
  listTokens,
  revokeToken,
  createSignInLink,
  showSignIn,
  signIn,
  signOut,
  livez,
  readyz,
  version,
  metrics,
  ...documentRoutes(() => ROUTES),
];
