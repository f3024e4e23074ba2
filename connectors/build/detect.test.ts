// What build/detect proposes for repositories of each kind.

import assert from "node:assert/strict";
import { symlink } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { writeFiles } from "../image/image.fixture.ts";
import { openBench, type StepBench } from "../step.fixture.ts";
import { detect } from "./steps.ts";

const IMAGE = { name: "orders", repository: "apps/orders" };

async function openWith(t: TestContext, files: Record<string, string>): Promise<StepBench> {
  const bench = await openBench({ systems: [] });
  t.after(() => bench.close());
  await writeFiles(bench.workspace, files);
  return bench;
}

/** The plans for a repository with these files and a Dockerfile. */
async function plansOf(t: TestContext, files: Record<string, string>, image: object = {}) {
  const bench = await openWith(t, { Dockerfile: "FROM scratch\n", ...files });
  const outcome = await bench.run(detect, { images: [{ ...IMAGE, ...image }] });
  assert.ok(outcome.kind === "succeeded", JSON.stringify(outcome));
  const [plan] = outcome.output.images;
  assert.ok(plan);
  return plan;
}

const scripts = (...names: string[]): string =>
  JSON.stringify({ scripts: Object.fromEntries(names.map((name) => [name, "x"])) });

for (const [name, files, kind, formats, tools, commands] of [
  [
    "npm with a lock file",
    { "package.json": scripts("test", "build"), "package-lock.json": "{}" },
    "npm",
    ["npm"],
    ["node", "npm"],
    ["npm ci --no-fund", "npm run test", "npm run build"],
  ],
  [
    "npm without a lock file",
    { "package.json": scripts() },
    "npm",
    ["npm"],
    ["node", "npm"],
    ["npm install --no-fund --no-package-lock", "", ""],
  ],
  [
    "npm with the test of npm init",
    { "package.json": '{"scripts":{"test":"echo \\"Error: no test specified\\" && exit 1"}}' },
    "npm",
    ["npm"],
    ["node", "npm"],
    ["npm install --no-fund --no-package-lock", "", ""],
  ],
  [
    "pnpm by its lock file",
    { "package.json": scripts("test"), "pnpm-lock.yaml": "" },
    "pnpm",
    ["npm"],
    ["node", "pnpm"],
    ["pnpm install --frozen-lockfile", "pnpm run test", ""],
  ],
  [
    "pnpm by packageManager, beside a lock file of npm",
    { "package.json": '{"packageManager":"pnpm@10.1.0"}', "package-lock.json": "{}" },
    "pnpm",
    ["npm"],
    ["node", "pnpm"],
    ["pnpm install --no-lockfile", "", ""],
  ],
  [
    "Yarn 1",
    { "package.json": scripts("build"), "yarn.lock": "" },
    "yarn",
    ["npm"],
    ["node", "yarn"],
    ["yarn install --non-interactive --frozen-lockfile", "", "yarn run build"],
  ],
  [
    "a later Yarn",
    { "package.json": scripts(), "yarn.lock": "", ".yarnrc.yml": "" },
    "yarn",
    ["npm"],
    ["node", "yarn"],
    ["yarn install --immutable", "", ""],
  ],
  [
    "Maven",
    { "pom.xml": "<project/>" },
    "maven",
    ["maven"],
    ["java", "mvn"],
    ["", "mvn --batch-mode --no-transfer-progress test", "mvn --batch-mode --no-transfer-progress package -DskipTests"],
  ],
  [
    "Maven with its wrapper",
    { "pom.xml": "<project/>", mvnw: "x" },
    "maven",
    ["maven"],
    ["java"],
    [
      "",
      "sh ./mvnw --batch-mode --no-transfer-progress test",
      "sh ./mvnw --batch-mode --no-transfer-progress package -DskipTests",
    ],
  ],
  [
    "Gradle",
    { "build.gradle.kts": "" },
    "gradle",
    ["maven"],
    ["java", "gradle"],
    ["", "gradle --no-daemon --console=plain test", "gradle --no-daemon --console=plain assemble"],
  ],
  [
    "Gradle with its wrapper",
    { "settings.gradle": "", gradlew: "x" },
    "gradle",
    ["maven"],
    ["java"],
    ["", "sh ./gradlew --no-daemon --console=plain test", "sh ./gradlew --no-daemon --console=plain assemble"],
  ],
  [
    "pip",
    { "requirements.txt": "flask\n", "requirements-dev.txt": "pytest==8\n" },
    "pip",
    ["pypi"],
    ["python3"],
    [
      'python3 -m venv "$HOME/venv"\n"$HOME/venv/bin/pip" install --disable-pip-version-check -r requirements.txt -r requirements-dev.txt',
      '"$HOME/venv/bin/python" -m pytest --junitxml=junit.xml',
      "",
    ],
  ],
  [
    "a Python project",
    { "pyproject.toml": "[project]\nname = 'x'\n" },
    "pip",
    ["pypi"],
    ["python3"],
    ['python3 -m venv "$HOME/venv"\n"$HOME/venv/bin/pip" install --disable-pip-version-check .', "", ""],
  ],
  [
    "Poetry",
    { "pyproject.toml": "[tool.poetry]\n[tool.poetry.group.dev.dependencies]\npytest = '8'\n" },
    "poetry",
    ["pypi"],
    ["poetry"],
    ["poetry install --no-interaction", "poetry run pytest --junitxml=junit.xml", ""],
  ],
  [
    "uv",
    { "pyproject.toml": "[project]\n", "uv.lock": "" },
    "uv",
    ["pypi"],
    ["uv"],
    ['export UV_PROJECT_ENVIRONMENT="$HOME/venv"\nuv sync --frozen', "", ""],
  ],
  [
    ".NET",
    { "Shop.sln": "" },
    "dotnet",
    ["nuget"],
    ["dotnet"],
    ["dotnet restore", "dotnet test --no-restore", "dotnet publish --configuration Release"],
  ],
  [
    ".NET with a project beside the solution",
    { "Shop.csproj": "", "The shop.slnx": "" },
    "dotnet",
    ["nuget"],
    ["dotnet"],
    [
      "dotnet restore 'The shop.slnx'",
      "dotnet test 'The shop.slnx' --no-restore",
      "dotnet publish 'The shop.slnx' --configuration Release",
    ],
  ],
  [
    ".NET with one project",
    { "Shop.fsproj": "" },
    "dotnet",
    ["nuget"],
    ["dotnet"],
    ["dotnet restore", "dotnet test --no-restore", "dotnet publish --configuration Release"],
  ],
  ["a Dockerfile alone", { "app.py": "" }, "dockerfile", [], [], ["", "", ""]],
  [
    "a Dockerfile beside the settings of a linter",
    { "pyproject.toml": "[tool.ruff]\n" },
    "dockerfile",
    [],
    [],
    ["", "", ""],
  ],
] as const) {
  test(`${name}: kind, packages, programs and commands`, async (t) => {
    const plan = await plansOf(t, files);
    assert.deepEqual(
      [plan.kind, plan.formats, plan.tools, [plan.install, plan.test, plan.build]],
      [kind, formats, tools, commands],
    );
  });
}

test("Go: downloads, tests with gotestsum where it is installed, and programs that run in any image", async (t) => {
  const plan = await plansOf(t, { "go.mod": "module x\n" });
  assert.deepEqual([plan.kind, plan.formats, plan.tools, plan.install], ["go", ["go"], ["go"], "go mod download"]);
  assert.match(plan.test, /gotestsum .*--junitfile[\s\S]*else go test \.\/\.\.\./);
  assert.match(plan.build, /CGO_ENABLED=0 go build -o bin\//);
});

test("an app replaces each command, also by none, and then no program is required for them", async (t) => {
  const files = { "package.json": scripts("test", "build") };
  const some = await plansOf(t, files, { build: ["npx esbuild", "cp -r a b"] });
  assert.deepEqual([some.test, some.build, some.tools], ["npm run test", "npx esbuild\ncp -r a b", ["node", "npm"]]);
  const all = await plansOf(t, files, { install: [], test: [], build: ["make"] });
  assert.deepEqual([all.install, all.test, all.build, all.tools], ["", "", "make", []]);
});

test("several images: each in its own folder, and images of one folder are tested once", async (t) => {
  const bench = await openWith(t, {
    "shop/go.mod": "module x\n",
    "shop/cmd/api/Dockerfile": "FROM scratch\n",
    "shop/cmd/worker/Dockerfile": "FROM scratch\n",
    "shop/web/package.json": scripts("test"),
    "shop/web/Dockerfile": "FROM scratch\n",
  });
  const outcome = await bench.run(detect, {
    directory: "shop",
    images: [
      { name: "api", repository: "a/api", dockerfile: "cmd/api/Dockerfile" },
      { name: "worker", repository: "a/worker", dockerfile: "cmd/worker/Dockerfile" },
      { name: "web", repository: "a/web", context: "web" },
    ],
  });
  assert.ok(outcome.kind === "succeeded", JSON.stringify(outcome));
  assert.deepEqual(
    outcome.output.images.map(({ name, kind, folder, context, dockerfile, test }) => [
      name,
      kind,
      folder,
      context,
      dockerfile,
      test !== "",
    ]),
    [
      ["api", "go", "shop", "shop", "cmd/api/Dockerfile", true],
      ["worker", "go", "shop", "shop", "cmd/worker/Dockerfile", false],
      ["web", "npm", "shop/web", "shop/web", "Dockerfile", true],
    ],
  );
});

for (const [name, files, image, problem, todo] of [
  [
    "two kinds in one folder",
    { "pom.xml": "", "package.json": "{}", Dockerfile: "" },
    {},
    /folder \. has package\.json \(npm\) and pom\.xml \(maven\)/,
    /`kind: npm`, `kind: maven`/,
  ],
  [
    "two lock files",
    { "package.json": "{}", "yarn.lock": "", "package-lock.json": "", Dockerfile: "" },
    {},
    /package-lock\.json \(npm\) and yarn\.lock \(yarn\)/,
    /`kind: yarn`/,
  ],
  ["no Dockerfile", { "pom.xml": "" }, {}, /There is no Dockerfile/, /Add a Dockerfile/],
  [
    "Dockerfiles elsewhere",
    { "cmd/api/Dockerfile": "", "docker/worker.Dockerfile": "" },
    {},
    /repository has cmd\/api\/Dockerfile, docker\/worker\.Dockerfile/,
    /\{ name: api, dockerfile: cmd\/api\/Dockerfile \}, \{ name: worker, dockerfile: docker/,
  ],
  ...["bun.lock", "bun.lockb", "deno.lock"].map(
    (lock) =>
      [
        `a lock file of another tool: ${lock}`,
        { "package.json": "{}", [lock]: "", Dockerfile: "" },
        {},
        new RegExp(`folder \\. has ${lock.replace(".", "\\.")} \\(a tool that CI does not know\\)`),
        /one of `kind: dockerfile`, and its own commands/,
      ] as const,
  ),
  ...["pdm.lock", "Pipfile"].map(
    (lock) =>
      [
        `a lock file of another tool: ${lock}`,
        { "pyproject.toml": "[project]\n", [lock]: "", Dockerfile: "" },
        {},
        /\(a tool that CI does not know\)/,
        /`kind: dockerfile`/,
      ] as const,
  ),
  [
    "a package manager that CI does not know",
    { "package.json": '{"packageManager":"bun@1.2.0"}', Dockerfile: "" },
    {},
    /package\.json \(a tool that CI does not know\)/,
    /`kind: dockerfile`/,
  ],
  [
    "a package.json that is not JSON",
    { "package.json": '{"scripts":{"test":"x",}}', Dockerfile: "" },
    {},
    /^package\.json is missing, or is not a JSON object/,
    /Correct package\.json/,
  ],
  [
    "a context that is not there",
    { Dockerfile: "" },
    { context: "services/api" },
    /no folder services\/api/,
    /source\.folder/,
  ],
] as const) {
  test(`unclear: ${name}`, async (t) => {
    const bench = await openWith(t, files);
    const outcome = await bench.run(detect, { images: [{ ...IMAGE, ...image }] });
    assert.ok(outcome.kind === "failed", JSON.stringify(outcome));
    assert.equal(outcome.failure.message, "It is not clear how to build the image orders.");
    assert.match(outcome.failure.why ?? "", problem);
    assert.match(outcome.failure.todo ?? "", todo);
  });
}

const MEMBER = { "apps/web/package.json": scripts("test"), "apps/web/Dockerfile": "" };
const MODULE = { "apps/web/Dockerfile": "" };
for (const [name, files, kind, commands] of [
  [
    "a workspace of npm",
    { ...MEMBER, "package.json": '{"workspaces":["apps/*"]}', "package-lock.json": "{}" },
    "npm",
    ["npm ci --no-fund", "npm run test"],
  ],
  [
    "a folder beside a workspace of npm",
    { ...MEMBER, "package.json": '{"workspaces":["./apps/*","!apps/web"]}', "package-lock.json": "{}" },
    "npm",
    ["npm install --no-fund --no-package-lock", "npm run test"],
  ],
  [
    "a workspace of pnpm",
    { ...MEMBER, "package.json": "{}", "pnpm-lock.yaml": "", "pnpm-workspace.yaml": "packages:\n  - 'apps/**'\n" },
    "pnpm",
    ["pnpm install --frozen-lockfile", "pnpm run test"],
  ],
  [
    "a workspace of pnpm without a list",
    { ...MEMBER, "package.json": "{}", "pnpm-workspace.yaml": "linkWorkspacePackages: true\n" },
    "pnpm",
    ["pnpm install --no-lockfile", "pnpm run test"],
  ],
  [
    "a workspace of a later Yarn",
    {
      ...MEMBER,
      "package.json": '{"packageManager":"yarn@4.9.1","workspaces":{"packages":["apps/web/"]}}',
      "yarn.lock": "",
    },
    "yarn",
    ["yarn install --immutable", "yarn run test"],
  ],
  [
    "a member with a lock file of its own",
    {
      ...MEMBER,
      "apps/web/yarn.lock": "",
      "package.json": '{"workspaces":["apps/*"]}',
      "package-lock.json": "{}",
    },
    "yarn",
    ["yarn install --non-interactive --frozen-lockfile", "yarn run test"],
  ],
  [
    "a workspace of uv",
    {
      ...MODULE,
      "apps/web/pyproject.toml": "[project]\nname = 'web'\n",
      "pyproject.toml": "[tool.uv.workspace]\nmembers = ['apps/*']\n[dependency-groups]\ndev = ['pytest']\n",
      "uv.lock": "",
    },
    "uv",
    [
      'export UV_PROJECT_ENVIRONMENT="$HOME/venv"\nuv sync --frozen',
      'export UV_PROJECT_ENVIRONMENT="$HOME/venv"\nuv run pytest --junitxml=junit.xml',
    ],
  ],
  [
    "a module with the wrapper of Maven above it",
    { ...MODULE, "apps/web/pom.xml": "", "pom.xml": "", mvnw: "" },
    "maven",
    ["", "sh ../../mvnw --batch-mode --no-transfer-progress test"],
  ],
  [
    "a module with the wrapper of Gradle above it",
    { ...MODULE, "apps/web/build.gradle": "", "settings.gradle": "", gradlew: "" },
    "gradle",
    ["", "sh ../../gradlew --no-daemon --console=plain test"],
  ],
] as const) {
  test(`below the folder of the app: ${name}`, async (t) => {
    const plan = await plansOf(t, files, { context: "apps/web" });
    assert.deepEqual([plan.kind, plan.folder, [plan.install, plan.test]], [kind, "apps/web", commands]);
    assert.doesNotMatch(plan.tools.join(), /mvn|gradle/);
  });
}

test("files are read as the tools read them", async (t) => {
  const rows: readonly (readonly [files: Record<string, string>, kind: string, test: boolean])[] = [
    [{ "package.json": `\ufeff${scripts("test")}` }, "npm", true],
    [{ "package.json": '{"devEngines":{"packageManager":{"name":"pnpm"}},"scripts":{"test":"x"}}' }, "pnpm", true],
    [{ "package.json": '{"packageManager":"yarn@4.9.1+sha224.00"}', "package-lock.json": "{}" }, "yarn", false],
    [{ "pyproject.toml": "[ project ] # pytest\n" }, "pip", true],
    [{ "pyproject.toml": '["project"]\n' }, "pip", false],
    [{ "pyproject.toml": 'project.name = "x"\n' }, "pip", false],
    [{ "pyproject.toml": "[tool.poetry.dependencies]\r\npytest = '8'\r\n" }, "poetry", true],
    [{ "pyproject.toml": "[[tool.poetry.source]]\nname = 'x'\n" }, "poetry", false],
    [{ "pyproject.toml": '[tool.x]\ntext = """\n[project]\n"""\n' }, "dockerfile", false],
    [{ "pyproject.toml": "[tool.project]\n[projects]\n# [project]\n" }, "dockerfile", false],
    [{ "requirements.txt": "", Pipfile: "" }, "pip", false],
  ];
  for (const [files, kind, hasTest] of rows) {
    const plan = await plansOf(t, files);
    assert.deepEqual([plan.kind, plan.test !== ""], [kind, hasTest], JSON.stringify(files));
  }
});

test("what is unclear is settled by the kind in the app", async (t) => {
  const files = { "pom.xml": "", "package.json": scripts("test") };
  assert.equal((await plansOf(t, files, { kind: "maven" })).kind, "maven");
  const plain = await plansOf(t, files, { kind: "dockerfile" });
  assert.deepEqual([plain.kind, plain.install, plain.formats], ["dockerfile", "", []]);
});

test("nothing is read through a link that leads out of the workspace", async (t) => {
  const bench = await openWith(t, { Dockerfile: "FROM scratch\n" });
  await symlink("/etc", join(bench.workspace, "services"));
  const outside = await bench.run(detect, { directory: "services", images: [IMAGE] });
  assert.ok(outside.kind === "failed" && outside.failure.code === "build-unclear", JSON.stringify(outside));
  await symlink("/etc/passwd", join(bench.workspace, "package.json"));
  const file = await bench.run(detect, { images: [IMAGE] });
  assert.ok(file.kind === "errored" && file.failure.code === "file-invalid", JSON.stringify(file));
  for (const directory of ["../..", "/etc"]) {
    const refused = await bench.run(detect, { directory, images: [IMAGE] });
    assert.ok(refused.kind === "errored" && refused.failure.code === "bad-input", directory);
  }
});

test("no folder of the app that is a link shows names of files outside of the workspace", async (t) => {
  const bench = await openWith(t, { "README.md": "" });
  await writeFiles(bench.home, { "of-another-app/Dockerfile": "FROM scratch\n" });
  await symlink(bench.home, join(bench.workspace, "app"));
  const outcome = await bench.run(detect, { directory: "app", images: [IMAGE] });
  assert.equal(outcome.kind, "failed");
  assert.doesNotMatch(JSON.stringify([outcome, bench.lines]), /of-another-app/);
});
