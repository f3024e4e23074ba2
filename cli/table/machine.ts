// Commands about data and processes on this machine.

import { command } from "./command.ts";
import { INIT_FLAGS } from "./init-flags.ts";

export const MACHINE = [
  command({
    name: "start",
    summary: "start everything on this machine, with the lab",
    details:
      "The first start creates an app, builds it and deploys it. A later start continues where the last one stopped.",
    flags: {
      config: {
        type: "string",
        value: "DIR",
        summary:
          "the installation that `gantry init` wrote; systems that it does not name are fakes, unless --no-lab is given",
      },
      data: { type: "string", value: "DIR", summary: "the data folder (default .data)" },
      port: {
        type: "string",
        value: "N",
        summary: "port of the portal; 0 selects a free one (default: that of the last start)",
      },
      once: { type: "boolean", summary: "exit when the demo has ended: 0 when all tasks succeeded, else 1" },
      "no-demo": { type: "boolean", summary: "do not run the demo" },
      "no-lab": {
        type: "boolean",
        summary: "no fakes of external systems and no demo; without --config only one runner, at site platform",
      },
      poll: {
        type: "boolean",
        summary: "the git host of the lab sends no webhooks: Gantry polls it every 5 seconds",
      },
      separate: { type: "boolean", summary: "run each process separately; one that exits is restarted" },
      log: {
        type: "string",
        values: ["debug", "info", "warn", "error", "silent"],
        summary: "log level on stderr (default error)",
      },
    },
    json: true,
    run: async (call) => (await import("../start.ts")).start(call),
  }),
  command({
    name: "init",
    summary: "write the configuration of an installation, and say what to do next",
    details:
      "DIR is gantry-config by default. At a terminal it asks for what the flags leave open. Files that are there stay, unless --force is given; secrets are never overwritten.",
    args: ["[DIR]"],
    flags: INIT_FLAGS,
    examples: ["init", "init gantry-config --form compose --site seoul --git github=https://github.example"],
    run: async (call) => (await import("../init/init.ts")).init(call),
  }),
  command({
    name: "backup",
    summary: "back up a data folder while its processes run",
    details: `Copies the journals below DIR, the logs of steps beside them, and the files with tokens. DIR is the data folder of one process, or a folder with several of them. FILE is a gzipped tar that only its owner may read; it must not exist. The copies are verified: journals by SQLite, everything by checksums.

The folders of runners are left out: they contain caches and work in progress. So are the folders \`archive\`: copy them as they are, after the backup; a record that moves to the archive in the meantime is then in both. Back up a journal in Redis with the tools of Redis. The file \`seal-key\` of a task-agent is left out on purpose: with it, whoever has the backup could read the secret parameters in it. Keep a copy of it elsewhere.`,
    flags: {
      data: { type: "string", required: true, value: "DIR", summary: "the data folder" },
      to: { type: "string", required: true, value: "FILE", summary: "the backup" },
    },
    run: async (call) => (await import("../backup.ts")).backup(call),
  }),
  command({
    name: "restore",
    summary: "create a data folder from a backup",
    details:
      "DIR must not exist, or be empty. Before DIR is created, the checksum of every file is verified and SQLite checks every journal. Start the processes with DIR afterwards.",
    flags: {
      from: { type: "string", required: true, value: "FILE", summary: "the backup" },
      data: { type: "string", required: true, value: "DIR", summary: "the data folder" },
    },
    run: async (call) => (await import("../restore.ts")).restore(call),
  }),
  command({
    name: "archive list",
    summary: "print the contents of an archive by day",
    details:
      "DIR is the folder `archive` in the data folder of a task-agent or notify-agent, or a copy of it. The folder of a day may be moved elsewhere as a whole.",
    args: ["DIR"],
    run: async (call) => (await import("../archive.ts")).listDays(call),
  }),
  command({
    name: "archive show",
    summary: "print an archived task with all its events as JSON",
    args: ["DIR", "TASK"],
    run: async (call) => (await import("../archive.ts")).showTask(call),
  }),
  command({
    name: "archive check",
    summary: "verify all checksums of an archive; the exit code is 1 when something is damaged",
    args: ["DIR"],
    run: async (call) => (await import("../archive.ts")).check(call),
  }),
  command({
    name: "version",
    summary: "print the version",
    details: "Also the commit, if it is known: from git in a checkout, from GANTRY_REVISION in an image.",
    json: true,
    run: async (call) => (await import("../version.ts")).version(call),
  }),
];
