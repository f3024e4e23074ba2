// 10,000 changed deliveries of each host.

import { mutatedWebhooks } from "./mutated-webhooks.suite.ts";

mutatedWebhooks(10_000);
