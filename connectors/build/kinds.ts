// How projects of each kind are built: the files that mark them, the tools and packages that they need, and the commands.
// Pure.

import type { BuildKind as Kind } from "@gantry/core/app/app-shape.ts";
import type { Format } from "../nexus/settings-files.ts";
import { type Commands, type Folder, wayBelow } from "./folder.ts";
import { nodeCommands } from "./node-commands.ts";
import { pythonCommands } from "./python-commands.ts";

/** Files whose text decides something. */
export const READ: readonly string[] = [
  "package.json",
  "pnpm-workspace.yaml",
  "pyproject.toml",
  "requirements.txt",
  "requirements-dev.txt",
  "dev-requirements.txt",
  "requirements-test.txt",
];

type KindEntry = {
  readonly title: string;
  readonly formats: readonly Format[];
  readonly tools: (folder: Folder) => readonly string[];
  readonly commands: (folder: Folder) => Commands;
};

const NONE: Commands = { install: "", test: "", build: "" };
/** A wrapper is the version that the project has chosen, so it is preferred to a program of the runner. */
const wrapped = (folder: Folder, wrapper: string, program: string): string => {
  if (folder.names.includes(wrapper)) return `sh ./${wrapper}`;
  if (!hasWrapper(folder, wrapper) || !folder.top) return program;
  const up = wayBelow(folder, folder.top).replace(/[^/]+/g, "..");
  return `sh ${up}/${wrapper}`;
};
/** Modules of a larger project use the wrapper in its folder. */
const hasWrapper = ({ names, top }: Folder, wrapper: string): boolean =>
  names.includes(wrapper) || (top?.names.includes(wrapper) ?? false);

const maven = (folder: Folder): string => `${wrapped(folder, "mvnw", "mvn")} --batch-mode --no-transfer-progress`;
const gradle = (folder: Folder): string => `${wrapped(folder, "gradlew", "gradle")} --no-daemon --console=plain`;

/** A solution or project file, by which MSBuild and CI know a folder. */
export const DOTNET_FILE = /\.(?:slnx?|csproj|fsproj|vbproj)$/i;

/** MSBuild refuses a folder with several of these files (MSB1011), unless one is named: a solution has the projects. */
function dotnetFile({ names }: Folder): string {
  const files = names.filter((name) => DOTNET_FILE.test(name));
  const [solution, ...more] = files.filter((name) => /\.slnx?$/i.test(name));
  if (files.length < 2 || solution === undefined || more.length > 0) return "";
  return ` '${solution.replaceAll("'", "'\\''")}'`;
}

export const KIND_TABLE: { readonly [K in Kind]: KindEntry } = {
  npm: { title: "npm", formats: ["npm"], tools: () => ["node", "npm"], commands: (at) => nodeCommands("npm", at) },
  pnpm: { title: "pnpm", formats: ["npm"], tools: () => ["node", "pnpm"], commands: (at) => nodeCommands("pnpm", at) },
  yarn: { title: "Yarn", formats: ["npm"], tools: () => ["node", "yarn"], commands: (at) => nodeCommands("yarn", at) },
  maven: {
    title: "Maven",
    formats: ["maven"],
    tools: (at) => (hasWrapper(at, "mvnw") ? ["java"] : ["java", "mvn"]),
    commands: (at) => ({ install: "", test: `${maven(at)} test`, build: `${maven(at)} package -DskipTests` }),
  },
  gradle: {
    title: "Gradle",
    formats: ["maven"],
    tools: (at) => (hasWrapper(at, "gradlew") ? ["java"] : ["java", "gradle"]),
    commands: (at) => ({ install: "", test: `${gradle(at)} test`, build: `${gradle(at)} assemble` }),
  },
  go: {
    title: "Go",
    formats: ["go"],
    tools: () => ["go"],
    commands: () => ({
      install: "go mod download",
      // The go command itself writes no JUnit file.
      test: [
        "if command -v gotestsum > /dev/null 2>&1",
        "then gotestsum --format testname --junitfile junit.xml ./...",
        "else go test ./...",
        "fi",
      ].join("\n"),
      // Programs without C libraries run in any image. A Dockerfile can copy them from bin/.
      build: "mkdir -p bin\nCGO_ENABLED=0 go build -o bin/ ./...",
    }),
  },
  pip: { title: "pip", formats: ["pypi"], tools: () => ["python3"], commands: (at) => pythonCommands("pip", at) },
  poetry: {
    title: "Poetry",
    formats: ["pypi"],
    tools: () => ["poetry"],
    commands: (at) => pythonCommands("poetry", at),
  },
  uv: { title: "uv", formats: ["pypi"], tools: () => ["uv"], commands: (at) => pythonCommands("uv", at) },
  dotnet: {
    title: ".NET",
    formats: ["nuget"],
    tools: () => ["dotnet"],
    commands: (at) => {
      const file = dotnetFile(at);
      return {
        install: `dotnet restore${file}`,
        test: `dotnet test${file} --no-restore`,
        build: `dotnet publish${file} --configuration Release`,
      };
    },
  },
  dockerfile: { title: "a Dockerfile", formats: [], tools: () => [], commands: () => NONE },
};
