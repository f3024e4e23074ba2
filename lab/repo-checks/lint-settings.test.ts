// `npm run check` gives biome only the files that changed (lab/check/lint.ts). So no rule may look at other files: at types, at
// what is imported, or at all files of the project.

import assert from "node:assert/strict";
import { test } from "node:test";
import { sources } from "./sources.ts";

const NO_GROUP = /"(nursery|project|domains|types|plugins)"/;
const NO_RULE =
  /"(noImportCycles|noPrivateImports|noUnresolvedImports|noDeprecatedImports|noUndeclaredDependencies|useImportExtensions)"/;

for (const { path, text } of sources(/(^|\/)biome\.json$/)) {
  test(`lint settings: ${path} has no rule that looks at other files`, () => {
    assert.doesNotMatch(
      text,
      NO_GROUP,
      "biome would miss what a change means for another file: check it in lab/repo-checks",
    );
    assert.doesNotMatch(
      text,
      NO_RULE,
      "biome would miss what a change means for another file: check it in lab/repo-checks",
    );
  });
}
