// All routes of the portal. A route that is not in this list is not served.

import type { Route } from "../http/route.ts";
import { answerApproval, overridePolicy } from "./answer-approval.ts";
import { createAppProposal, getAppProposal } from "./app-proposals.ts";
import { listArtifactFiles, listArtifacts, readArtifact } from "./artifacts.ts";
import { askRightRoute } from "./ask-right.ts";
import { cancelTask } from "./cancel-task.ts";
import { cdPlanRoutes } from "./cd-plans.ts";
import { changeApp, renameApp } from "./change-app.ts";
import { readmitRunner, removeRunner } from "./change-runner.ts";
import { checkPlatform } from "./check-platform.ts";
import { createApp } from "./create-app.ts";
import { createEnrolment, renewRunnerKey } from "./create-enrolment.ts";
import { createSignInLink } from "./create-sign-in-link.ts";
import { createToken, rotateToken } from "./create-token.ts";
import { getDefinitions, syncDefinitions } from "./definitions.ts";
import { deploymentRoutes } from "./deployments.ts";
import { documentRoutes } from "./documents.ts";
import { getFleet, listTargets, watchFleet } from "./fleet.ts";
import { getApp } from "./get-app.ts";
import { getAppPipelines } from "./get-app-pipelines.ts";
import { getBuild } from "./get-build.ts";
import { getMe } from "./get-me.ts";
import { getPipeline } from "./get-pipeline.ts";
import { getTask } from "./get-task.ts";
import { livez, metrics, readyz, version } from "./health.ts";
import { listApprovals } from "./list-approvals.ts";
import { listApps } from "./list-apps.ts";
import { listAudit, listAuditEntries } from "./list-audit.ts";
import { listBuilds } from "./list-builds.ts";
import { listCallbacks } from "./list-callbacks.ts";
import { listChannels } from "./list-channels.ts";
import { listDeliveries } from "./list-deliveries.ts";
import { listInbox } from "./list-inbox.ts";
import { listNewestBuilds } from "./list-newest-builds.ts";
import { listPipelines } from "./list-pipelines.ts";
import { listPolling } from "./list-polling.ts";
import { listRunners } from "./list-runners.ts";
import { listSites } from "./list-sites.ts";
import { listSteps } from "./list-steps.ts";
import { listSystems } from "./list-systems.ts";
import { listTasks } from "./list-tasks.ts";
import { listTokens } from "./list-tokens.ts";
import { runnerRoutes } from "./operate-runner.ts";
import { ownAccountRoutes } from "./own-account.ts";
import { activate, showActivation, signInWithPassword } from "./password-sign-in.ts";
import { pauseRoutes } from "./pauses.ts";
import { peopleRoutes } from "./people.ts";
import { readLog } from "./read-log.ts";
import { readSummary } from "./read-summary.ts";
import { receiveWebhook } from "./receive-webhook.ts";
import { planUndo, removeApp } from "./remove-app.ts";
import { planRerun, rerunTask } from "./rerun-task.ts";
import { resolveJob } from "./resolve-job.ts";
import { revokeToken } from "./revoke-token.ts";
import { runCd, runCi } from "./run-app-pipeline.ts";
import { getSettings, listSettingsHistory, setSettings } from "./settings.ts";
import { showSignIn, signIn, signInWithLink } from "./sign-in.ts";
import { signOut } from "./sign-out.ts";
import { ssoRoutes } from "./sso.ts";
import { startTask } from "./start-task.ts";
import { getTemplates, pushTemplates, readTemplates } from "./templates.ts";
import { listTriggers, pauseTrigger, resumeTrigger, runTrigger } from "./triggers.ts";
import { watchEvents } from "./watch-events.ts";
import { watchTask } from "./watch-task.ts";
import { getWebhookDelivery, listWebhookDeliveries, redeliverWebhook } from "./webhook-deliveries.ts";
import { definitionsWebhook } from "./webhooks.ts";

export const ROUTES: readonly Route[] = [
  createApp,
  runCi,
  runCd,
  ...cdPlanRoutes,
  listApps,
  getApp,
  listTargets,
  getFleet,
  watchFleet,
  createAppProposal,
  getAppProposal,
  getAppPipelines,
  listBuilds,
  getBuild,
  listNewestBuilds,
  changeApp,
  renameApp,
  planUndo,
  removeApp,
  startTask,
  listTasks,
  listApprovals,
  answerApproval,
  overridePolicy,
  getTask,
  watchTask,
  readLog,
  readSummary,
  listCallbacks,
  listArtifacts,
  listArtifactFiles,
  readArtifact,
  cancelTask,
  rerunTask,
  planRerun,
  resolveJob,
  watchEvents,
  listSites,
  listRunners,
  createEnrolment,
  renewRunnerKey,
  ...runnerRoutes,
  removeRunner,
  readmitRunner,
  listSystems,
  listPipelines,
  getPipeline,
  listPolling,
  listTriggers,
  pauseTrigger,
  resumeTrigger,
  runTrigger,
  ...pauseRoutes,
  ...deploymentRoutes,
  getDefinitions,
  syncDefinitions,
  definitionsWebhook,
  receiveWebhook,
  listWebhookDeliveries,
  getWebhookDelivery,
  redeliverWebhook,
  checkPlatform,
  getTemplates,
  readTemplates,
  pushTemplates,
  listSteps,
  listAudit,
  listAuditEntries,
  listInbox,
  listDeliveries,
  listChannels,
  getMe,
  askRightRoute,
  getSettings,
  setSettings,
  listSettingsHistory,
  createToken,
  listTokens,
  rotateToken,
  revokeToken,
  ...ownAccountRoutes,
  ...peopleRoutes,
  createSignInLink,
  showSignIn,
  signIn,
  signInWithLink,
  signInWithPassword,
  showActivation,
  activate,
  ...ssoRoutes,
  signOut,
  livez,
  readyz,
  version,
  metrics,
  ...documentRoutes(() => ROUTES),
];
