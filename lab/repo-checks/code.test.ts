// The checks that need the project as the TypeScript compiler sees it. They share one compiler.

import { after } from "node:test";
import "./code-messages.suite.ts";
import "./floating-promises.suite.ts";
import "./import-boundaries.suite.ts";
import "./packages.suite.ts";
import "./pipeline-keywords.suite.ts";
import "./reachability.suite.ts";
import "./sizes.suite.ts";
import { project } from "./typescript-project.ts";

after(() => project.close());
