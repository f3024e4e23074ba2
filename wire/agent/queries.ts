// Parts of queries that several routes of the task-agent have.

import { z } from "zod";
import { MAX_APPS, name } from "./agent-api.ts";

export const limit = z.coerce.number().pipe(z.int().min(1).max(1_000)).default(50);
export const someApps = z
  .string()
  .transform((text) => text.split(","))
  .pipe(z.array(name).max(MAX_APPS))
  .optional();
export const pageQuery = z.strictObject({ limit, cursor: z.string().optional() });
