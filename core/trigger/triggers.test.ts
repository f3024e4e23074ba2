import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePipeline } from "../pipeline/parse.ts";
import { upstreamProblems } from "./upstream.ts";

const JOBS = "jobs:\n  work: { site: seoul, steps: [{ run: x }] }\n";

function file(triggers: string, head = ""): string {
  return `name: demo\n${head}triggers:\n${triggers}${JOBS}`;
}

function read(text: string) {
  const parsed = parsePipeline({ name: "demo.yaml", text }, []);
  return { ...parsed, said: parsed.problems.map(({ line, column, detail }) => `${line}:${column} ${detail}`) };
}

test("every kind of trigger is read, with its defaults", () => {
  const { pipeline, said } = read(
    file(
      `  - push: { branches: [main, "!wip/*"], paths: ["src/**"] }
    params: { branch: "\${{ trigger.branch }}" }
    title: Each push
  - tag: {}
  - pull_request: { actions: [merged] }
    when: trigger.fork == false
  - schedule: { cron: "0 3 * * 1-5", timeZone: Europe/Berlin, until: 2027-01-01T00:00:00+01:00, jitter: 5m }
  - schedule: { once: 2026-12-24T18:00:00+01:00 }
  - upstream: { pipeline: ci }
`,
      "params: { branch: { type: string, default: main } }\n",
    ),
  );
  assert.deepEqual(said, []);
  assert.deepEqual(pipeline?.triggers, [
    {
      kind: "push",
      title: "Each push",
      params: { branch: "${{ trigger.branch }}" },
      branches: ["main", "!wip/*"],
      paths: ["src/**"],
    },
    { kind: "tag", params: {}, names: ["*"] },
    { kind: "pull_request", when: "trigger.fork == false", params: {}, actions: ["merged"] },
    {
      kind: "schedule",
      params: {},
      cron: "0 3 * * 1-5",
      timeZone: "Europe/Berlin",
      untilMs: Date.UTC(2026, 11, 31, 23),
      overlap: "skip",
      catchUp: "latest",
      jitterMs: 300_000,
    },
    {
      kind: "schedule",
      params: {},
      onceMs: Date.UTC(2026, 11, 24, 17),
      timeZone: "UTC",
      overlap: "skip",
      catchUp: "latest",
      jitterMs: 0,
    },
    { kind: "upstream", params: {}, pipeline: "ci", outcomes: ["succeeded"] },
  ]);
});

/** The file, and what is said about it: line, column, text. */
const MISTAKES: readonly (readonly [what: string, text: string, said: string])[] = [
  ["A12: a cron of six fields", file('  - schedule: { cron: "0 0 3 * * 1" }\n'), "3:23 a cron expression has 5 fields"],
  [
    "A12: an hour that does not exist",
    file('  - schedule: { cron: "0 25 * * *" }\n'),
    "3:23 this is no cron expression",
  ],
  ["A12: a day that never comes", file('  - schedule: { cron: "0 0 30 2 *" }\n'), "3:23 this time never comes"],
  ["A12: a name of a schedule", file('  - schedule: { cron: "@daily" }\n'), "3:23 write the five fields instead"],
  [
    "A12: a time in place of a cron",
    file('  - schedule: { cron: "2026-12-24T18:00" }\n'),
    "3:23 a cron expression has 5",
  ],
  [
    "A11: a time without an offset",
    file("  - schedule: { once: 2026-12-24T18:00:00 }\n"),
    "3:23 once is not valid: a time with its",
  ],
  [
    "A11: a day that does not exist",
    file("  - schedule: { once: 2026-13-24T18:00:00Z }\n"),
    "3:23 there is no such time",
  ],
  ["A11: February 30", file("  - schedule: { once: 2027-02-30T18:00:00Z }\n"), "3:23 there is no such time"],
  ["A11: February 29 of another year", file("  - schedule: { once: 2027-02-29T18:00:00+09:00 }\n"), "3:23 there is no"],
  [
    "a branch with what hosts put before it",
    file("  - push: { branches: [refs/heads/main] }\n"),
    "3:24 write the name",
  ],
  [
    "a tag with what hosts put before it",
    file('  - tag: { names: ["refs/tags/v*"] }\n'),
    "3:20 write the name of the tag alone",
  ],
  [
    "a pattern of other systems",
    file('  - push: { branches: ["^release-.*$"] }\n'),
    "3:24 no branch can have such a name",
  ],
  ["a choice of letters", file('  - push: { branches: [main, "v[0-9]*"] }\n'), "3:30 no branch can have such a name"],
  [
    "alternatives in braces",
    file('  - pull_request: { branches: ["{main,dev}"] }\n'),
    "3:32 write the alternatives as entries",
  ],
  ["a tag of an image with a slash", file('  - image: { tags: ["release/*"] }\n'), "3:21 no tag of an image can have"],
  ["a path from the root", file('  - push: { paths: ["/src/**"] }\n'), "3:21 no path of a repository is like this"],
  ["a path from here", file('  - push: { paths: ["./src/**"] }\n'), "3:21 no path of a repository is like this"],
  ["a folder as a path", file('  - push: { paths: ["!docs/"] }\n'), "3:21 no path of a repository is like this"],
  [
    "another kind in a condition",
    file("  - push: {}\n    when: trigger.kind == 'tag'\n"),
    "4:11 this condition is never",
  ],
  [
    "a branch that it is not for",
    file("  - push: { branches: [main, dev] }\n    when: trigger.branch == 'release'\n"),
    "4:11 this condition is never true",
  ],
  [
    "an outcome that it is not for",
    file("  - upstream: { pipeline: ci }\n    when: trigger.outcome == 'failed'\n"),
    "4:11 this condition is never true",
  ],
  [
    "an outcome that no task has",
    file("  - upstream: { pipeline: ci }\n    when: trigger.outcome == 'success'\n"),
    '4:11 trigger.outcome is never "success"',
  ],
  ["a branch that is excluded again", file('  - push: { branches: [main, "!main"] }\n'), "3:13 no branch is left"],
  ["branches that are all excluded", file('  - push: { branches: [main, dev, "!*"] }\n'), "3:13 no branch is left"],
  ["paths that are all excluded", file('  - push: { paths: ["src/**", "!**"] }\n'), "3:13 no path is left"],
  [
    "an unknown time zone",
    file('  - schedule: { cron: "0 3 * * *", timeZone: Europe/Atlantis }\n'),
    "3:46 there is no time zone Europe/Atlantis",
  ],
  [
    "an offset as a time zone",
    file('  - schedule: { cron: "0 3 * * *", timeZone: "+01:00" }\n'),
    "3:46 there is no time zone +01:00",
  ],
  [
    "a trigger that is there twice",
    file("  - push: { branches: [main] }\n  - tag: {}\n  - push: { branches: [main] }\n"),
    "5:5 this is trigger 1 again: each of them starts a task",
  ],
  ["a schedule without a time", file("  - schedule: { timeZone: UTC }\n"), "3:5 a schedule needs `cron` or `once`"],
  [
    "two kinds of time",
    file('  - schedule: { cron: "0 3 * * *", once: 2026-12-24T18:00:00Z }\n'),
    "3:36 a schedule has `cron` or `once`, not both",
  ],
  [
    "until of one time",
    file("  - schedule: { once: 2026-12-24T18:00:00Z, until: 2027-01-01T00:00:00Z }\n"),
    "3:45 `until` is",
  ],
  ["a long jitter", file('  - schedule: { cron: "0 3 * * *", jitter: 2h }\n'), "3:44 a jitter is at most 1h"],
  ["no kind", file("  - when: trigger.kind == 'push'\n"), "3:5 a trigger needs one of `push`"],
  ["two kinds", file("  - push: {}\n    tag: {}\n"), "4:5 a trigger has one kind, and this has push and tag"],
  [
    "a word of others",
    file("  - tag: {}\n    merge_request: {}\n"),
    "4:5 unknown key merge_request; use `pull_request`",
  ],
  [
    "a pipeline for new apps",
    file("  - push: {}\n", "app: new\nparams: { name: string }\noutputs: { app: { a: b } }\n"),
    "5:1 a pipeline that creates apps",
  ],
  ["a push without an app", file("  - push: {}\n", "app: none\n"), "4:5 push is about an app"],
  ["a start after itself", file("  - upstream: { pipeline: demo }\n"), "3:27 a pipeline that starts after itself"],
  [
    "a param that nobody gives",
    file("  - push: {}\n", "params: { branch: string }\n"),
    "4:5 nobody fills in a form: give the param branch",
  ],
  [
    "an unknown param",
    file("  - push: {}\n    params: { brnch: x }\n", "params: { branch: { type: string, default: x } }\n"),
    "5:15 there is no param brnch (did you mean branch?)",
  ],
  [
    "a param of another type",
    file("  - push: {}\n    params: { n: x }\n", "params: { n: { type: integer, default: 1 } }\n"),
    "5:18 n does not fit",
  ],
  [
    "a fact of another kind",
    file("  - tag: {}\n    params: { b: '${{ trigger.branch }}' }\n", "params: { b: { type: string, default: x } }\n"),
    "5:23 there is no trigger.branch (of tag)",
  ],
  [
    "a condition that is text",
    file("  - push: {}\n    when: trigger.branch\n"),
    "4:11 a condition must be true or false, and this is text",
  ],
];

for (const [what, text, said] of MISTAKES)
  test(`refused with line and column: ${what}`, () => {
    const problems = read(text).said;
    assert.equal(problems.length, 1, problems.join("\n"));
    assert.ok(problems[0]?.startsWith(said), problems[0]);
  });

test("names and paths that a repository may have are left alone", () => {
  const { said } = read(
    file(
      `  - push: { branches: ["!main"], paths: ["pages/[id].tsx", "!.github/**", "a b/{x}/**", "**/*.md"] }
  - push: { branches: [main, "feature/**", "!feature/wip-*", "fix_#12", "v{1}"] }
  - tag: { names: ["v*", "@scope/pkg@*", "!*-rc*"] }
  - image: { tags: ["1.*", "sha-*", "!*-dev"] }
  - schedule: { once: 2028-02-29T23:30:00-08:00 }
`,
    ),
  );
  assert.deepEqual(said, []);
});

test("a fact that a person does not give is a warning in a job, and an unknown one a mistake", () => {
  const step = (source: string) =>
    `name: demo\ntriggers: [{ push: {} }]\njobs:\n  work:\n    site: seoul\n    steps: [{ run: x, env: { A: "\${{ ${source} }}" } }]\n`;
  const doubtful = read(step("trigger.branch"));
  assert.deepEqual(doubtful.said, []);
  assert.match(doubtful.warnings[0]?.detail ?? "", /^trigger\.branch is absent when a person starts the task/);
  assert.deepEqual(read(step("trigger.?branch.orValue('main') + trigger.kind")).warnings, []);
  assert.match(read(step("trigger.tag")).said.join(), /^6:\d+ there is no trigger\.tag \(of push\)/);
});

test("pipelines that start each other without end are refused, each with its place", () => {
  const of = (name: string, upstream: string) => {
    const text = `name: ${name}\ntriggers:\n  - upstream: { pipeline: ${upstream} }\n${JOBS}`;
    const { pipeline } = parsePipeline({ name: `${name}.yaml`, text }, []);
    assert.ok(pipeline);
    return { file: `${name}.yaml`, text, pipeline };
  };
  const places = (problems: ReturnType<typeof upstreamProblems>) =>
    problems.map(({ file: where, line, column, detail }) => `${where}:${line}:${column} ${detail}`);
  assert.deepEqual(places(upstreamProblems([of("cd", "ci")], ["ci", "cd"])), []);
  assert.deepEqual(places(upstreamProblems([of("cd", "cii")], ["ci", "cd"])), [
    "cd.yaml:3:27 there is no pipeline cii (did you mean ci?)",
  ]);
  assert.deepEqual(places(upstreamProblems([of("a", "c"), of("b", "a"), of("c", "b"), of("d", "a")])), [
    "a.yaml:3:27 pipelines start each other without end: a → b → c → a",
    "b.yaml:3:27 pipelines start each other without end: b → c → a → b",
    "c.yaml:3:27 pipelines start each other without end: c → a → b → c",
  ]);
});
