import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePipeline } from "../pipeline/parse.ts";
import { STEP_FIXTURES } from "../pipeline/steps.fixture.ts";
import { isArtifactPath } from "./artifact.ts";

const parse = (jobs: string) =>
  parsePipeline({ name: "p.yaml", text: `name: p\napp: none\njobs:\n${jobs}` }, STEP_FIXTURES);

const stepsOf = (jobs: string, id: string): readonly string[] => {
  const { pipeline, problems } = parse(jobs);
  assert.deepEqual(problems, []);
  return pipeline?.jobs.find((job) => job.id === id)?.steps.map((step) => step.id) ?? [];
};

test("a name that says what the files are is a name, also one that other systems know as a key", () => {
  const jobs = "  build: { site: s, artifacts: { reports: reports, files: out }, steps: [{ run: make }] }\n";
  assert.deepEqual(stepsOf(jobs, "build"), ["run", "save-reports", "save-files"]);
});

test("downloads come after the checkout, and artifacts are saved last", () => {
  const jobs = `
  build: { site: s, artifacts: { dist: dist }, steps: [{ run: make }] }
  test:
    site: s
    needs: build
    download: build
    artifacts: { a.b: { paths: [x] } }
    steps:
      - { run: "true" }
      - { uses: git/checkout, with: { repository: { project: A, slug: b } } }
      - { id: save-a-b, run: "true" }
`;
  assert.deepEqual(stepsOf(jobs, "test"), ["run", "checkout", "download-build", "save-a-b", "save-a-b-2"]);
  assert.deepEqual(stepsOf(jobs, "build"), ["run", "save-dist"]);
});

const REFUSED: readonly (readonly [job: string, problem: RegExp])[] = [
  ["artifacts: { dist: ../secret }", /the path \.\.\/secret must be below the workspace/],
  ["artifacts: { dist: /etc/passwd }", /must be below the workspace/],
  ["artifacts: { dist: 'dist/${{ app.name }}' }", /without .* expressions/],
  ["artifacts: { dist: ['!x'] }", /all its paths exclude files/],
  ["artifacts: { dist: { paths: x, retention: 400d } }", /at most 366d/],
  ["artifacts: { paths: [dist] }", /paths would be the name of an artifact: write artifacts: \{ NAME/],
  ["artifacts: { '../x': dist }", /name of an artifact/],
  ["artifacts: { dist: { paths: x, when: 'steps.none.outcome == \"failed\"' } }", /there is no step none/],
  ["cache: { npm: node_modules }", /a cache belongs to a branch, so a job with `cache` needs a step git\/checkout/],
  ["download: other", /t does not need the job other; add it to `needs`/],
  ["download: othr", /there is no job othr \(did you mean other\?\)/],
  ["needs: other, download: [{ job: other, artifact: dst }]", /saves no artifact dst \(did you mean dist\?\)/],
  ["needs: other, download: [{ job: other, artifact: none.report }]", /saves no artifact none\.report/],
  ["needs: bare, download: bare", /the job bare saves no artifacts/],
  ["needs: other, download: [{ job: other, to: ../x }]", /the folder \.\.\/x must be below the workspace/],
];
for (const [keys, problem] of REFUSED) {
  test(`refused: ${keys}`, () => {
    const { problems } = parse(`  t: { site: s, ${keys}, steps: [{ run: make }] }
  other: { site: s, artifacts: { dist: dist }, steps: [{ run: make }] }
  bare: { site: s, steps: [{ run: make }] }
`);
    assert.equal(problems.length, 1, JSON.stringify(problems));
    assert.match(problems[0]?.detail ?? "", problem);
    assert.equal(problems[0]?.line, 4);
  });
}

test("the line of a mistake in a step after a checkout is its own, though steps are added there", () => {
  const { problems } = parse(`
  build: { site: s, artifacts: { dist: dist }, steps: [{ run: make }] }
  test:
    site: s
    needs: build
    download: build
    steps:
      - { uses: git/checkout, with: { repository: { project: A, slug: b } } }
      - { uses: git/chekout }
`);
  assert.deepEqual(
    problems.map(({ line }) => line),
    [12],
  );
});

test("caches are restored after the last checkout, because their lock files come with it, and saved last", () => {
  const jobs = `
  build:
    site: s
    cache: { npm: { paths: [node_modules, ~/.npm], files: package-lock.json, key: "\${{ site }}", fallback: older } }
    artifacts: { dist: dist }
    steps:
      - { uses: git/checkout, with: { repository: { project: A, slug: b } } }
      - { id: lib, uses: git/checkout, with: { repository: { project: A, slug: c }, directory: lib } }
      - { run: npm ci }
`;
  assert.deepEqual(stepsOf(jobs, "build"), ["checkout", "lib", "restore-npm", "run", "save-dist", "cache-npm"]);
});

const WRONG_CACHES: readonly (readonly [cache: string, problem: RegExp])[] = [
  ["{ key: x, paths: [node_modules] }", /key would be the name of a cache/],
  ["{ npm: ~/../x }", /the path .*x must be below the workspace, or below the home/],
  ["{ npm: '~' }", /the path ~ must be/],
  ["{ npm: ~/ }", /the path ~\/ must be/],
  ["{ npm: { paths: x, key: '${{ steps.later.outputs.x }}' } }", /the step later has not run yet at this place/],
  ["{ npm: { paths: x, key: '${{ secrets.X }}' } }", /secrets can only be used in/],
];
for (const [cache, problem] of WRONG_CACHES) {
  test(`refused: cache: ${cache}`, () => {
    const { problems } = parse(`
  build:
    site: s
    cache: ${cache}
    steps:
      - { uses: git/checkout, with: { repository: { project: A, slug: b } } }
      - { id: later, run: make }
`);
    assert.match(problems[0]?.detail ?? "", problem);
    assert.equal(problems[0]?.line, 7);
  });
}

test("paths that leave the workspace, or forge a log, are no paths of an artifact", () => {
  for (const path of [
    "",
    "/a",
    "a//b",
    "./a",
    "a/../b",
    "..",
    "a\nb",
    "a\\b",
    "x".repeat(1_001),
    `${"y".repeat(256)}/a`,
  ])
    assert.equal(isArtifactPath(path), false, JSON.stringify(path));
  for (const path of ["a", "a/b.c", ".hidden/x", "한국어/파일", "a..b"]) assert.equal(isArtifactPath(path), true, path);
});
