// What is read from files with test results: also from files that are wrong, huge or hostile.

import assert from "node:assert/strict";
import { mkdir, symlink, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { openBench, type StepBench } from "../step.fixture.ts";
import { addUp, readCoverage } from "./coverage.ts";
import { readJunit } from "./junit.ts";
import { readSarif } from "./sarif.ts";
import { reportTests, runTests } from "./steps.ts";

async function open(t: TestContext): Promise<StepBench> {
  const bench = await openBench({ systems: [] });
  t.after(() => bench.close());
  return bench;
}

for (const [name, text, expected] of [
  [
    "Surefire",
    `<?xml version="1.0"?><testsuite tests="4"><properties><property name="a" value="b"/></properties>
     <testcase classname="com.example.SumTest" name="adds"/>
     <testcase classname="com.example.SumTest" name="carries"><failure message="expected: &lt;10&gt; but was: &lt;0&gt;" type="E"><![CDATA[trace]]></failure></testcase>
     <testcase classname="com.example.SumTest" name="later"><skipped/></testcase>
     <testcase classname="com.example.SumTest" name="breaks"><error type="NPE">java.lang.NullPointerException
       at x</error><system-out><![CDATA[<failure/>]]></system-out></testcase></testsuite>`,
    {
      passed: 1,
      failed: 2,
      skipped: 1,
      first: { name: "com.example.SumTest.carries", message: "expected: <10> but was: <0>" },
    },
  ],
  [
    "Node, with suites in suites",
    '<testsuites><testsuite name="a"><testsuite name="b"><testcase name="adds up" classname="test"><failure type="testCodeFailure" message="1 !== 2">x</failure></testcase></testsuite></testsuite><testcase name="top" classname="test"/></testsuites>',
    { passed: 1, failed: 1, skipped: 0, first: { name: "adds up", message: "1 !== 2" } },
  ],
  [
    "a failure without a message, whose text says why",
    '<testsuite><testcase name="x"><failure>\n\n  AssertionError: no\n  at y</failure></testcase></testsuite>',
    { passed: 0, failed: 1, skipped: 0, first: { name: "x", message: "AssertionError: no" } },
  ],
  [
    "GoogleTest, which says in an attribute that a test was not run",
    '<testsuites><testsuite name="A" disabled="1"><testcase name="ok" status="run" result="completed" classname="A"/><testcase name="DISABLED_x" status="notrun" result="suppressed" classname="A"/></testsuite></testsuites>',
    { passed: 1, failed: 0, skipped: 1 },
  ],
  [
    "CTest, which says it in an attribute and in an element",
    '<testsuite><testcase name="a" status="run"/><testcase name="b" status="fail"><failure message="Failed"/></testcase><testcase name="c" status="disabled"><disabled/></testcase></testsuite>',
    { passed: 1, failed: 1, skipped: 1, first: { name: "b", message: "Failed" } },
  ],
  [
    "a failure of a suite, outside of its tests",
    '<testsuites><testsuite name="db"><testsuite name=""><error message="no server">at x</error><testcase name="a"/><failure>down\n</failure></testsuite></testsuite></testsuites>',
    { passed: 1, failed: 2, skipped: 0, first: { name: "db", message: "no server" } },
  ],
  [
    "a long class path, and entities of colours that XML does not have",
    `<testsuite><properties><property name="cp" value="${"/m2/a.jar:".repeat(30_000)}"/></properties><testcase name="a"><failure message="&#27;[31mred&#x1B;[0m&#65;"/></testcase></testsuite>`,
    { passed: 0, failed: 1, skipped: 0, first: { name: "a", message: "\uFFFD[31mred\uFFFD[0mA" } },
  ],
  [
    "numbers of tests without the tests",
    '<testsuites tests="3" failures="1"/>',
    { problem: "it says that it has tests, but lists none" },
  ],
  ["a file of something else", "<project><testcase/></project>", undefined],
  ["an empty suite", "<testsuites/>", { passed: 0, failed: 0, skipped: 0 }],
] as const) {
  test(`JUnit: ${name}`, () => assert.deepEqual(readJunit(text), expected));
}

for (const [name, text, problem] of [
  ["an element that is not closed", "<testsuite><testcase>", /line 1: unclosed root tag/],
  [
    "entities that multiply",
    `<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;">]><testsuite><testcase name="&c;"/></testsuite>`,
    /line 1: invalid character entity/,
  ],
  [
    "an entity of a file of the machine",
    '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><testsuite><testcase name="x"><failure>&a;</failure></testcase></testsuite>',
    /invalid character entity/,
  ],
  ["elements in elements", `<testsuite>${"<testsuite>".repeat(100_000)}`, /nested more than 200 levels deep/],
  ["a value without an end", `<testsuite><testcase name="${"x".repeat(5_000_000)}`, /max buffer length exceeded/],
] as const) {
  test(`hostile XML: ${name}`, () => {
    const result = readJunit(text);
    assert.ok(result && "problem" in result, JSON.stringify(result));
    assert.match(result.problem, problem);
  });
}

for (const [name, text, expected] of [
  [
    "JaCoCo: the counter of the whole report",
    '<?xml version="1.0"?><!DOCTYPE report PUBLIC "-//JACOCO//DTD Report 1.1//EN" "report.dtd"><report name="x"><package name="p"><counter type="LINE" missed="9" covered="9"/></package><counter type="BRANCH" missed="1" covered="1"/><counter type="LINE" missed="25" covered="75"/></report>',
    { format: "jacoco", covered: 75, total: 100 },
  ],
  [
    "Cobertura",
    '<coverage line-rate="0.5" lines-covered="30" lines-valid="60"/>',
    { format: "cobertura", covered: 30, total: 60 },
  ],
  [
    "Cobertura with the rate only",
    '<coverage line-rate="0.815"/>',
    { format: "cobertura", covered: 8_150, total: 10_000 },
  ],
  [
    "lcov",
    "TN:\nSF:a.js\nLF:10\nLH:7\nend_of_record\nSF:b.js\nLF:10\nLH:10\nend_of_record\n",
    { format: "lcov", covered: 17, total: 20 },
  ],
  ["numbers that are none", '<coverage lines-covered="NaN" lines-valid="-5"/>', undefined],
  ["another file", "hello", undefined],
] as const) {
  test(`coverage: ${name}`, () => assert.deepEqual(readCoverage(text), expected && { ...expected, sources: [] }));
}

/** A digit per line: 1 if it is covered. */
const jacocoFile = (name: string, hits: string): string =>
  `<package name="com/x"><class name="com/x/${name}" sourcefilename="${name}.java"><counter type="LINE" missed="9" covered="9"/></class><sourcefile name="${name}.java">${[...hits].map((hit, at) => `<line nr="${at + 3}" mi="${hit === "1" ? 0 : 2}" ci="${hit}" mb="0" cb="0"/>`).join("")}</sourcefile></package>`;
const countersOf = (hits: string): string =>
  `<counter type="LINE" missed="${hits.replaceAll("1", "").length}" covered="${hits.replaceAll("0", "").length}"/>`;
const jacoco = (files: Record<string, string>): string =>
  `<report name="x">${Object.entries(files)
    .map(([name, hits]) => jacocoFile(name, hits))
    .join("")}${countersOf(Object.values(files).join(""))}</report>`;
const group = (...reports: readonly string[]): string =>
  `<report name="all">${reports.map((one) => one.replaceAll("report", "group")).join("")}`;
const cobertura = (root: string, files: Record<string, string>): string => {
  const all = Object.values(files).join("");
  const classes = Object.entries(files).map(([name, hits]) => {
    const lines = [...hits].map((hit, at) => `<line number="${at + 1}" hits="${hit}"/>`).join("");
    return `<class name="C" filename="${name}"><methods><method name="m"><lines>${lines}</lines></method></methods><lines>${lines}</lines></class>`;
  });
  return `<coverage lines-covered="${all.replaceAll("0", "").length}" lines-valid="${all.length}"><sources><source>${root}</source></sources><packages><package><classes>${classes.join("")}</classes></package></packages></coverage>`;
};
const lcov = (files: readonly (readonly [string, string])[]): string =>
  files
    .map(([name, hits]) => {
      const lines = [...hits].map((hit, at) => `DA:${at + 1},${hit}\n`).join("");
      return `TN:\nSF:${name}\n${lines}LF:${hits.length}\nLH:${hits.replaceAll("0", "").length}\nend_of_record\n`;
    })
    .join("");

for (const [name, reports, expected] of [
  ["JaCoCo: modules", [jacoco({ A: "1100" }), jacoco({ B: "000000" })], "2/10"],
  [
    "JaCoCo: modules and the report of all, whose tests of B cover A, too",
    [
      jacoco({ A: "1100" }),
      jacoco({ B: "100000" }),
      `${group(jacoco({ A: "1110" }), jacoco({ B: "100000" }))}${countersOf("1110100000")}</report>`,
    ],
    "4/10",
  ],
  ["JaCoCo: the report of all without groups", [jacoco({ A: "11", B: "0001" }), jacoco({ A: "11" })], "3/6"],
  ["JaCoCo: unit and integration tests of one module", [jacoco({ A: "1100" }), jacoco({ A: "0110" })], "3/4"],
  ["JaCoCo: files of one name with other lines", [jacoco({ A: "1100" }), jacoco({ A: "11000" })], "4/9"],
  [
    "JaCoCo: the same file in two modules of the report of all",
    [`${group(jacoco({ A: "10" }), jacoco({ A: "10" }))}${countersOf("1010")}</report>`, jacoco({ A: "11" })],
    "3/4",
  ],
  [
    "Cobertura: a library in the reports of two test projects, with folders of their own",
    [cobertura("/w/src", { "lib/L.cs": "1100", "a/A.cs": "11" }), cobertura("/w/src/lib/", { "L.cs": "0110" })],
    "5/6",
  ],
  [
    "Cobertura: services of their own",
    [cobertura("/w/a", { "main.py": "10" }), cobertura("/w/b", { "main.py": "11" })],
    "3/4",
  ],
  [
    "lcov: packages, and all of them",
    [
      lcov([["/w/a.js", "10"]]),
      lcov([
        ["/w/a.js", "10"],
        ["/w/b.js", "111"],
      ]),
    ],
    "4/5",
  ],
  [
    "lcov: a file under several tests",
    [
      lcov([
        ["a.c", "100"],
        ["a.c", "110"],
      ]),
    ],
    "2/3",
  ],
  ["several formats", [lcov([["a.c", "100"]]), jacoco({ A: "11" })], "2/2"],
] as const) {
  test(`coverage of several reports: ${name}`, () => {
    const found = reports.map(readCoverage).flatMap((one) => (one && !("problem" in one) ? [one] : []));
    assert.equal(found.length, reports.length);
    for (const ordered of [found, found.toReversed()]) {
      const { covered, total } = addUp(ordered);
      assert.equal(`${covered}/${total}`, expected);
    }
  });
}

test("the report of all modules does not count twice beside those of the modules", async (t) => {
  const bench = await open(t);
  const files = {
    "a/target/site/jacoco/jacoco.xml": jacoco({ A: "1100" }),
    "b/target/site/jacoco/jacoco.xml": jacoco({ B: "000000" }),
    "all/target/site/jacoco-aggregate/jacoco.xml": `${group(jacoco({ A: "1110" }), jacoco({ B: "000000" }))}${countersOf("1110000000")}</report>`,
  };
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(bench.workspace, dirname(path)), { recursive: true });
    await writeFile(join(bench.workspace, path), text);
  }
  const outcome = await bench.run(reportTests, {});
  assert.ok(outcome.kind === "succeeded", JSON.stringify(outcome));
  const { linesCovered, linesTotal, coverage } = outcome.output;
  assert.deepEqual([linesCovered, linesTotal, coverage], [3, 10, 30]);
});

test("SARIF: findings by level, without suppressed ones, and the first error in words", () => {
  const at = (uri: string, startLine: number) => [
    { physicalLocation: { artifactLocation: { uri }, region: { startLine } } },
  ];
  const results = [
    { ruleId: "w", message: { text: "usual level" } },
    { ruleId: "no-undef", level: "error", message: { text: "x is\nnot defined" }, locations: at("src/a.js", 3) },
    { ruleId: "old", level: "error", message: { text: "known" }, suppressions: [{ kind: "external" }] },
    { level: "note" },
  ];
  assert.deepEqual(readSarif(JSON.stringify({ version: "2.1.0", runs: [{ results }, { results: null }] })), {
    error: 1,
    warning: 1,
    note: 1,
    first: "src/a.js:3 no-undef: x is not defined",
  });
  assert.deepEqual(readSarif("{"), { problem: "it is not JSON" });
  assert.deepEqual(readSarif('\uFEFF{"runs":[]}'), { error: 0, warning: 0, note: 0 });
  assert.ok("problem" in readSarif('{"runs":1}'));
});

test("SARIF: a finding without a level has that of its rule, and what is no failure, or gone, does not count", () => {
  const rules = (id: string, level?: string) => [{ id: "other" }, { id, defaultConfiguration: { level } }];
  const message = { text: "m" };
  const run = {
    tool: { driver: { rules: rules("js/xss", "error") }, extensions: [{ rules: rules("q", "note") }] },
    results: [
      { ruleId: "js/xss", ruleIndex: 1, message },
      { ruleId: "js/xss", message },
      { rule: { index: 1, toolComponent: { index: 0 } }, message },
      { ruleId: "other", message },
      { ruleId: "unknown", message },
      { ruleId: "js/xss", kind: "pass", message },
      { ruleId: "js/xss", baselineState: "absent", message },
      { ruleId: "js/xss", suppressions: [{ kind: "external", status: "accepted" }], message },
      { ruleId: "js/xss", suppressions: [{ kind: "external", status: "rejected" }], message },
      { ruleId: "js/xss", suppressions: [{ kind: "inSource" }, { kind: "external", status: "underReview" }], message },
    ],
  };
  assert.deepEqual(readSarif(JSON.stringify({ runs: [run, { results: [{ ruleIndex: 1, message }] }] })), {
    error: 4,
    warning: 3,
    note: 1,
    first: "js/xss: m",
  });
});

const JUNIT = (state: string): string =>
  `<testsuite><testcase classname="Sum" name="adds"/><testcase classname="Sum" name="carries">${state}</testcase></testsuite>`;

test("the tests are run, and only results of this run count", async (t) => {
  const bench = await open(t);
  const old = join(bench.workspace, "TEST-old.xml");
  await writeFile(old, JUNIT("<failure message='of the sources'/>"));
  // Times of files are as coarse as the kernel's clock tick: without this, it could seem to be written by this run.
  const aMinuteAgo = Date.now() / 1_000 - 60;
  await utimes(old, aMinuteAgo, aMinuteAgo);
  const write = `mkdir -p target/site\ncat > target/TEST-a.xml <<'END'\n${JUNIT("")}\nEND\nprintf 'LF:4\\nLH:3\\n' > lcov.info`;
  const outcome = await bench.run(runTests, { commands: write });
  assert.ok(outcome.kind === "succeeded", JSON.stringify(outcome));
  const { files, passed, failed, coverage, summary } = outcome.output;
  assert.deepEqual([files, passed, failed, coverage], [1, 2, 0, 75]);
  assert.equal(summary, "2 passed, 0 failed, 0 skipped, 75% of lines covered");
});

test("the failure names the first test that failed, and the counts are kept", async (t) => {
  const bench = await open(t);
  const write = `cat > junit.xml <<'END'\n${JUNIT("<failure message='expected 10 but was 0'/>")}\nEND\nexit 1`;
  const outcome = await bench.run(runTests, { commands: write });
  assert.ok(outcome.kind === "failed", JSON.stringify(outcome));
  const { code, message, why, line, exitCode } = outcome.failure;
  assert.deepEqual([code, message, exitCode], ["tests-failed", "1 of 2 tests failed.", 1]);
  assert.match(why ?? "", /^The first is Sum\.carries: expected 10 but was 0/);
  assert.equal(line, "Sum.carries: expected 10 but was 0");
  assert.equal(outcome.output?.failed, 1);
  const unknown = await bench.run(runTests, { commands: "echo error: no compiler\nexit 2", directory: "." });
  assert.ok(unknown.kind === "failed" && unknown.failure.code === "script-failed", "no test result says why");
  assert.equal(unknown.failure.line, "error: no compiler");
});

test("tests whose failures the command accepts do not fail the step, but are counted", async (t) => {
  const bench = await open(t);
  const write = `cat > junit.xml <<'END'\n${JUNIT("<failure message='known'/>")}\nEND`;
  const outcome = await bench.run(runTests, { commands: write });
  assert.ok(outcome.kind === "succeeded");
  assert.deepEqual([outcome.output.failed, outcome.output.firstFailed], [1, "Sum.carries"]);
});

test("test/report reads what an earlier step has written, and fails for a test that failed", async (t) => {
  const bench = await open(t);
  await mkdir(join(bench.workspace, "out"));
  await writeFile(join(bench.workspace, "out/results.xml"), JUNIT("<error/>"));
  const none = await bench.run(reportTests, {});
  assert.ok(none.kind === "succeeded" && none.output.files === 0 && none.output.coverage === null);
  const outcome = await bench.run(reportTests, { directory: "out", junit: ["*.xml"] });
  assert.ok(outcome.kind === "failed" && outcome.failure.code === "tests-failed", JSON.stringify(outcome));
});

test("results that TestNG writes a second time count once", async (t) => {
  const bench = await open(t);
  const copies = join(bench.workspace, "target/surefire-reports/junitreports");
  await mkdir(copies, { recursive: true });
  await writeFile(join(copies, "TEST-Sum.xml"), JUNIT("<skipped/>"));
  const only = await bench.run(reportTests, {});
  assert.ok(only.kind === "succeeded" && only.output.passed === 1 && only.output.skipped === 1);
  await writeFile(join(copies, "../TEST-TestSuite.xml"), JUNIT("<skipped/>"));
  const both = await bench.run(reportTests, {});
  assert.ok(both.kind === "succeeded" && both.output.files === 1 && both.output.skipped === 1, JSON.stringify(both));
});

test("a folder whose name is not UTF-8 is named, and the other results count", async (t) => {
  const bench = await open(t);
  await mkdir(Buffer.concat([Buffer.from(`${bench.workspace}/`), Buffer.from([0xff])]));
  await writeFile(join(bench.workspace, "TEST-a.xml"), JUNIT(""));
  const outcome = await bench.run(reportTests, {});
  assert.ok(outcome.kind === "succeeded" && outcome.output.passed === 2, JSON.stringify(outcome));
  assert.match(bench.lines.join("\n"), /warning: \uFFFD could not be opened; results may be missing/);
});

test("files that cannot be read are named and do not count; links are not followed", async (t) => {
  const bench = await open(t);
  await writeFile(join(bench.workspace, "TEST-bad.xml"), "<testsuite>");
  await writeFile(join(bench.workspace, "TEST-big.xml"), Buffer.alloc(21 * 1_048_576, 32));
  await symlink("/etc", join(bench.workspace, "test-results"));
  await symlink("/etc/passwd", join(bench.workspace, "TEST-link.xml"));
  const outcome = await bench.run(reportTests, {});
  assert.ok(outcome.kind === "succeeded", JSON.stringify(outcome));
  assert.equal(outcome.output.files, 0);
  const said = bench.lines.join("\n");
  assert.match(said, /TEST-bad\.xml was not read: line 1: unclosed/);
  assert.match(said, /TEST-big\.xml was not read: it is larger than/);
  assert.doesNotMatch(said, /link|passwd/);
});
