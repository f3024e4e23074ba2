// The headline of a failed build: the Dockerfile's line, and what its command said, not how the builder ended.

import assert from "node:assert/strict";
import { test } from "node:test";
import { explain } from "@gantry/core/errors.ts";
import { failureOf } from "@gantry/core/step/outcome.ts";
import { buildFailure } from "./decide-build-failure.ts";
import { parseDockerfile } from "./dockerfile/dockerfile.ts";

const { dockerfile } = parseDockerfile(
  "FROM node:24 AS build\nCOPY . /app\n# tests\nRUN npm ci && \\\n    npm   test\nFROM scratch\nRUN --mount=type=cache,target=/x make all\nCOPY missing /x\n",
);
const OUTPUTS: Readonly<
  Record<string, readonly [line: number, exit: number | undefined, why: string, printed: string]>
> = {
  "Buildah, a command": [
    4,
    2,
    "make: *** no rule",
    '[1/2] STEP 2/3: COPY . /app\n[1/2] STEP 3/3: RUN npm ci &&     npm   test\nmake: *** no rule\nError: building at STEP "RUN npm ci &&     npm   test": while running runtime: exit status 2',
  ],
  "Buildah, a missing file": [
    8,
    undefined,
    'Error: building at STEP "COPY missing /x": checking on sources under "/w": copier: stat: "/missing": no such file or directory',
    'STEP 2/3: RUN --mount=type=cache,target=/x make all\nSTEP 3/3: COPY missing /x\nError: building at STEP "COPY missing /x": checking on sources under "/w": copier: stat: "/missing": no such file or directory',
  ],
  BuildKit: [
    7,
    127,
    "make: not found",
    '#9 [stage-1 1/2] RUN make all\n#9 0.1 make: not found\n#9 ERROR: process "/bin/sh -c make all" did not complete successfully: exit code: 127\nDockerfile:7\n--------------------\nERROR: failed to solve: process "/bin/sh -c make all" did not complete successfully: exit code: 127',
  ],
  "the classic Docker": [
    4,
    1,
    "2 tests failed",
    "Step 3/3 : RUN npm ci &&     npm   test\n2 tests failed\nThe command '/bin/sh -c npm ci &&     npm   test' returned a non-zero code: 1",
  ],
  Kaniko: [
    7,
    3,
    "cc: error",
    "INFO[0001] RUN --mount=type=cache,target=/x make all\ncc: error\nerror building image: error building stage: failed to execute command: waiting for process to exit: exit status 3",
  ],
};

for (const [builder, [line, exit, why, printed]] of Object.entries(OUTPUTS)) {
  test(`a failed build is headlined with the line of the Dockerfile, not with the builder's exit code: ${builder}`, () => {
    const output = { program: "buildah", exitCode: 125, signal: null, lines: printed.split("\n") };
    const error = buildFailure(output, dockerfile, "ci/Dockerfile");
    assert.equal(error.code, "build-failed");
    assert.match(
      explain(error).message,
      new RegExp(`^The image build failed at line ${line} of ci/Dockerfile: (RUN|COPY) `),
    );
    assert.equal(failureOf(error).exitCode, exit);
    assert.deepEqual(
      error.problems.map((one) => [one.file, one.line]),
      [["ci/Dockerfile", line]],
    );
    assert.equal(explain(error).why, `${why}.`);
  });
}

test("if the output shows no instruction, the failure has the builder's last error", () => {
  const output = { program: "podman", exitCode: 125, signal: null, lines: ["Error: cannot connect to the socket", ""] };
  const error = buildFailure(output, dockerfile, "Dockerfile");
  assert.equal(error.code, "script-failed");
  assert.equal(explain(error).why, "podman could not build the image: Error: cannot connect to the socket.");
});
