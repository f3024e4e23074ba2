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

type Case = { readonly name: string; state: "passed" | "failed" | "skipped"; message: string };

/** Undefined: it is no JUnit file. */
export function readJunit(text: string): TestResults | { readonly problem: string } | undefined {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  let isJunit = true;
  let first: FailedTest | undefined;
  let test: Case | undefined;
  /** In an element whose text says why the test failed. */
  let isReason = false;
  const problem = visitXml(text, {
    open: (element, depth) => {
      const { name } = element;
      if (depth === 0) isJunit = name === "testsuites" || name === "testsuite";
      if (name === "testcase") test = { name: testName(element), state: "passed", message: "" };
      else if (test && (name === "failure" || name === "error")) {
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
      if (name === "failure" || name === "error") isReason = false;
      if (name !== "testcase" || !test) return;
      counts[test.state] += 1;
      if (test.state === "failed") first ??= { name: test.name, message: firstLine(test.message) };
      test = undefined;
    },
  });
  if (!isJunit) return undefined;
  if (problem !== undefined) return { problem };
  return { ...counts, ...(first ? { first } : {}) };
}

/** `com.example.OrdersTest.total`. Some runners repeat the class in the name, or write the file as the class. */
function testName({ attributes: { classname = "", name = "" } }: Element): string {
  const whole = classname === "" || name.startsWith(classname) || classname === "test" ? name : `${classname}.${name}`;
  return truncate(firstLine(whole) || "a test without a name", MAX_NAME);
}

function firstLine(text: string): string {
  const line = text.split("\n").find((one) => one.trim() !== "") ?? "";
  return truncate(line.trim(), MAX_MESSAGE);
}
