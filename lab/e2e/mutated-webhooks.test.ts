// A few changed deliveries of each host; mutated-webhooks.faults.ts sends 10,000.

import { mutatedWebhooks } from "./mutated-webhooks.suite.ts";

mutatedWebhooks(60);
