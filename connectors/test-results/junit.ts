// Reads a JUnit file: what Surefire, Gradle, Jest, Node, pytest, gotestsum and others write. Pure.

import { truncate } from "@gantry/core/truncate.ts";
import { type Element, visitXml } from "./parse-xml.ts";

export type TestCounts = { readonly passed: number; readonly failed: number; readonly skipped: number };
export type TestResults = TestCounts & {
  /** The first test that failed. */
  readonly first?: FailedTest;
};
export type FailedTest = { readonly name: string; readonly message: string };

const MAX_NAME = 300;
const MAX_MESSAGE = 500;

type State = keyof TestCounts;
type Case = {
  readonly name: string;
  state: State;
  /** What it is if nothing in it says otherwise. */
  readonly otherwise: State;
  message: string;
};

/** Undefined: it is no JUnit file. */
export function readJunit(text: string): TestResults | { readonly problem: string } | undefined {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  let isJunit = true;
  let first: FailedTest | undefined;
  let test: Case | undefined;
  /** Names of the suites that are open. */
  const suites: string[] = [];
  /** The failure is of a suite, outside of its tests: what comes before the first one, or after the last one, failed. */
  let isOfSuite = false;
  let claimsTests = false;
  /** In an element whose text says why the test failed. */
  let isReason = false;
  const problem = visitXml(text, {
    open: (element, depth) => {
      const { name } = element;
      if (depth === 0) isJunit = name === "testsuites" || name === "testsuite";
      if (name === "testsuite") suites.push(element.attributes.name ?? "");
      if (/^testsuites?$/.test(name)) claimsTests ||= Number(element.attributes.tests) > 0;
      if (name === "testcase")
        test = { name: testName(element), state: "passed", otherwise: stateOf(element), message: "" };
      else if (name === "failure" || name === "error") {
        isOfSuite ||= test === undefined;
        test ??= { name: suiteName(suites), state: "passed", otherwise: "passed", message: "" };
        isReason = test.state !== "failed";
        if (isReason) test.message = element.attributes.message?.trim() ?? "";
        test.state = "failed";
        isReason &&= test.message === "";
      } else if (test?.state === "passed" && (name === "skipped" || name === "disabled")) test.state = "skipped";
    },
    text: (part) => {
      if (test && isReason && test.message.length < MAX_MESSAGE * 4) test.message += part.slice(0, MAX_MESSAGE * 4);
    },
    close: (name) => {
      if (name === "testsuite") suites.pop();
      const isFailure = name === "failure" || name === "error";
      if (isFailure) isReason = false;
      if (!test || !(name === "testcase" || (isFailure && isOfSuite))) return;
      isOfSuite = false;
      const state = test.state === "passed" ? test.otherwise : test.state;
      counts[state] += 1;
      if (state === "failed") first ??= { name: test.name, message: firstLine(test.message) };
      test = undefined;
    },
  });
  if (!isJunit) return undefined;
  if (problem !== undefined) return { problem };
  if (claimsTests && counts.passed + counts.failed + counts.skipped === 0)
    return { problem: "it says that it has tests, but lists none" };
  return { ...counts, ...(first ? { first } : {}) };
}

/** `com.example.OrdersTest.total`. Some runners repeat the class in the name, or write the file as the class. */
function testName({ attributes: { classname = "", name = "" } }: Element): string {
  const whole = classname === "" || name.startsWith(classname) || classname === "test" ? name : `${classname}.${name}`;
  return truncate(firstLine(whole) || "a test without a name", MAX_NAME);
}

function suiteName(suites: readonly string[]): string {
  return truncate(firstLine(suites.findLast((name) => name !== "") ?? "") || "a suite without a name", MAX_NAME);
}

/** GoogleTest says `notrun` of a test that is disabled, without an element in it. */
function stateOf({ attributes: { status = "" } }: Element): State {
  if (/^(notrun|disabled|skipped|ignored|untested)$/i.test(status)) return "skipped";
  return /^(fail|failed|failure|error)$/i.test(status) ? "failed" : "passed";
}

function firstLine(text: string): string {
  const line = text.split("\n").find((one) => one.trim() !== "") ?? "";
  return truncate(line.trim(), MAX_MESSAGE);
}
