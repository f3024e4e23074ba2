// What the steps of this folder share.

import { z } from "zod";

/** Of a folder or file below the workspace. */
export const path = z
  .string()
  .max(500)
  .refine((text) => !text.startsWith("/") && !text.split(/[\\/]/).includes(".."), "must be below the workspace");
