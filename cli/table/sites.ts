// Commands about sites, their runners and their systems.

import { command } from "./command.ts";

const REASON = { reason: { type: "string", value: "TEXT", required: true, summary: "why, for others" } } as const;

export const SITES = [
  command({
    name: "site list",
    summary: "list the sites with their runners and queues",
    portal: true,
    isDefault: true,
    run: async (call) => (await import("../site/site.ts")).listSites(call),
  }),
  command({
    name: "site show",
    summary: "show a site with its runners, systems and waiting jobs",
    args: ["SITE"],
    portal: true,
    run: async (call) => (await import("../site/site.ts")).showSite(call),
  }),
  command({
    name: "runner list",
    summary: "list the runners of all sites",
    portal: true,
    isDefault: true,
    run: async (call) => (await import("../site/runner.ts")).listRunners(call),
  }),
  command({
    name: "runner show",
    summary: "show what a runner runs now, and what operators have asked of it",
    args: ["NAME"],
    portal: true,
    run: async (call) => (await import("../site/runner-operations.ts")).showRunner(call),
  }),
  command({
    name: "runner stop",
    summary: "end the process of a runner: it takes no new jobs, finishes those that it runs, and exits with 0",
    details:
      "It counts for the process that the runner has now. If a supervisor starts the runner again, it works as usual.",
    args: ["NAME"],
    flags: { now: { type: "boolean", summary: "interrupt its jobs instead of finishing them" }, ...REASON },
    portal: true,
    examples: [`runner stop seoul-2 --reason "new disk"`, `runner stop seoul-2 --now --reason "it is out of control"`],
    run: async (call) => (await import("../site/runner-operations.ts")).stopRunner(call),
  }),
  command({
    name: "runner logs",
    summary: "print the own log of a runner, as it keeps it: lines of JSON, without secrets",
    details: "The runner is asked for it. It keeps up to 5,000 lines since its start. Default: the latest 200.",
    args: ["NAME"],
    flags: {
      latest: { type: "boolean", summary: "the newest lines (default)" },
      oldest: { type: "boolean", summary: "the oldest lines that it keeps" },
      lines: { type: "string", value: "N", summary: "how many lines, at most 1,000" },
    },
    portal: true,
    examples: ["runner logs seoul-2", "runner logs seoul-2 --oldest --lines 50"],
    run: async (call) => (await import("../site/runner-operations.ts")).readLog(call),
  }),
  command({
    name: "runner drain",
    summary: "let a runner take no new jobs, until it is undrained",
    args: ["NAME"],
    flags: REASON,
    portal: true,
    examples: [`runner drain seoul-2 --reason "new disk"`],
    run: async (call) => (await import("../site/runner-operations.ts")).drainRunner(call),
  }),
  command({
    name: "runner undrain",
    summary: "let a drained runner take jobs again",
    args: ["NAME"],
    portal: true,
    run: async (call) => (await import("../site/runner-operations.ts")).undrainRunner(call),
  }),
  command({
    name: "runner enrol",
    summary: "create a one-time token for a new runner",
    details: "With NAME it is only for the runner of this name.",
    args: ["SITE", "[NAME]"],
    flags: {
      "new-site": {
        type: "boolean",
        summary: "it is the first runner of this site; without it a misspelled site is refused",
      },
    },
    portal: true,
    examples: ["runner enrol seoul", "runner enrol seoul seoul-3"],
    run: async (call) => (await import("../site/runner.ts")).enrolRunner(call),
  }),
  command({
    name: "runner renew-key",
    summary: "end the key of a runner and create a one-time token for a new one",
    args: ["NAME"],
    portal: true,
    run: async (call) => (await import("../site/runner.ts")).renewKey(call),
  }),
  command({
    name: "runner remove",
    summary: "take a runner out of service, for example one that is gone for good",
    args: ["NAME"],
    portal: true,
    run: async (call) => (await import("../site/runner.ts")).removeRunner(call),
  }),
  command({
    name: "runner readmit",
    summary: "let a removed runner register again",
    args: ["NAME"],
    portal: true,
    run: async (call) => (await import("../site/runner.ts")).readmitRunner(call),
  }),
  command({
    name: "doctor",
    summary: "test what the systems let Gantry do, right by right",
    details:
      "Tests every system from the runners that use it: address, certificate, account, and each right that Gantry needs (docs/rights-of-systems.md), for the repositories, clusters and projects that apps name. The notify-agent tests mail and messengers, the portal single sign-on; without --send no message is sent. Nothing is changed. ✓ is there, ✗ is missing, ? is not known: the system does not tell, or no app uses it yet. The exit code is 0 if nothing is missing, else 1.",
    flags: {
      site: { type: "string", value: "SITE", summary: "only the runners of this site" },
      system: { type: "string", value: "NAME", summary: "only systems with this name" },
      send: { type: "boolean", summary: "send a test message on every channel, which people receive" },
    },
    portal: true,
    examples: ["doctor --site seoul"],
    run: async (call) => (await import("../doctor/doctor.ts")).doctor(call),
  }),
  command({
    name: "system list",
    summary: "list the outside systems of all sites",
    portal: true,
    isDefault: true,
    run: async (call) => (await import("../site/site.ts")).listSystems(call),
  }),
];
