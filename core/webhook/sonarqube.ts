// Webhooks of SonarQube: an analysis has ended.

import { other, webhookFormat } from "./delivery.ts";
import { commitAt, textAt } from "./look-up.ts";

export const sonarqubeWebhook = webhookFormat({
  headers: ["x-sonarqube-project"],
  read: (json) => {
    const project = textAt(json, "project", "key");
    if (!project) return other("It does not name a project.");
    const gate = textAt(json, "qualityGate", "status");
    if (!gate) return other(`The analysis has no quality gate (${textAt(json, "status") ?? "without a status"}).`);
    return { kind: "gate", project, gate, branch: textAt(json, "branch", "name"), commit: commitAt(json, "revision") };
  },
});
