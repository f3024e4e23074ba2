// Puts what runs in production into dist/: the server and the pages. The Dockerfile only copies it.

import { cpSync, rmSync } from "node:fs";

rmSync("dist", { recursive: true, force: true });
for (const path of ["src", "site", "package.json"]) cpSync(path, `dist/${path}`, { recursive: true });
