// The version of the portal, from its package file.

import manifest from "./package.json" with { type: "json" };

export const VERSION: string = manifest.version;
