// The indexes of the task-agent's journal. They are declared when the journal is opened.

export const AGENT_INDEXES = [
  "tasks",
  "tasks-by-app",
  "tasks-by-state",
  "open",
  "behind",
  "ended",
  "reruns",
  "reruns-of",
  "keys",
  "readers",
  "apps",
  "app-places",
  "apps-by-builds",
  "builds",
  "builds-by-app",
  "builds-by-time",
  "build-digests",
  "runners",
  "agents",
  "enrolments",
] as const;
