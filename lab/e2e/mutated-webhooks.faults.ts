// Changed deliveries of each host. GANTRY_MUTATIONS is their number.

import { mutatedWebhooks } from "./mutated-webhooks.suite.ts";

mutatedWebhooks(Number(process.env.GANTRY_MUTATIONS ?? 500));
