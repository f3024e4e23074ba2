// The commands of a Python project. What they install is in HOME, so that no image includes it. Pure.

import type { Commands, Folder } from "./folder.ts";

export type PythonKind = "pip" | "poetry" | "uv";

const DEV_REQUIREMENTS = ["requirements-dev.txt", "dev-requirements.txt", "requirements-test.txt"];
const PYTEST = "pytest --junitxml=junit.xml";

export function pythonCommands(kind: PythonKind, folder: Folder): Commands {
  // The members of a workspace of uv share the dependencies of its folder.
  const shared = kind === "uv" ? Object.values(folder.top?.texts ?? {}) : [];
  const hasPytest = [...Object.values(folder.texts), ...shared].some((text) => /\bpytest\b/.test(text));
  const test = (run: string): string => (hasPytest ? `${run} ${PYTEST}` : "");
  switch (kind) {
    case "poetry":
      return { install: "poetry install --no-interaction", test: test("poetry run"), build: "" };
    case "uv": {
      const venv = 'export UV_PROJECT_ENVIRONMENT="$HOME/venv"';
      const isLocked = folder.names.includes("uv.lock") || folder.top?.names.includes("uv.lock");
      const sync = isLocked ? "uv sync --frozen" : "uv sync";
      return { install: `${venv}\n${sync}`, test: hasPytest ? `${venv}\nuv run ${PYTEST}` : "", build: "" };
    }
    case "pip":
      return { install: installWithPip(folder, hasPytest), test: test('"$HOME/venv/bin/python" -m'), build: "" };
  }
}

function installWithPip({ names }: Folder, hasPytest: boolean): string {
  const files = ["requirements.txt", ...DEV_REQUIREMENTS].filter((name) => names.includes(name));
  // Pytest of a pyproject.toml is usually an extra, which installing the project does not include.
  const what = files.length > 0 ? files.map((file) => `-r ${file}`).join(" ") : hasPytest ? ". pytest" : ".";
  return `python3 -m venv "$HOME/venv"\n"$HOME/venv/bin/pip" install --disable-pip-version-check ${what}`;
}
