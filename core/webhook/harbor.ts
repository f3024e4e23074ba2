// Webhooks of Harbor, in both of its formats.

import { other, webhookFormat } from "./delivery.ts";
import { at, listAt, numberAt, splitFullName, textAt } from "./look-up.ts";

const KINDS: { readonly [type: string]: "pushed" | "scanned" } = {
  PUSH_ARTIFACT: "pushed",
  "harbor.artifact.pushed": "pushed",
  SCANNING_COMPLETED: "scanned",
  "harbor.scan.completed": "scanned",
};
const MAX_IMAGES = 100;

export const harborWebhook = webhookFormat({
  headers: [],
  sentAtMs: (json) => {
    const seconds = numberAt(json, "occur_at");
    return seconds === undefined ? Date.parse(textAt(json, "time") ?? "") : seconds * 1_000;
  },
  read: (json) => {
    const type = textAt(json, "type") ?? "";
    const action = Object.hasOwn(KINDS, type) ? KINDS[type] : undefined;
    if (!action) return other(`The event ${type.slice(0, 50) || "without a name"} starts nothing.`);
    const data = at(json, "event_data") ?? at(json, "data");
    const repository = textAt(data, "repository", "repo_full_name");
    if (!repository || !splitFullName(repository)) return other("It does not name the repository of an image.");
    const resources = listAt(data, "resources").slice(0, MAX_IMAGES);
    // Harbor reports a scan as completed while it is running, too.
    if (action === "scanned" && !resources.every(isScanned))
      return other("The scan of the image has not succeeded yet.");
    const images = resources.flatMap((one) => {
      const digest = textAt(one, "digest");
      const tag = textAt(one, "tag");
      if (!digest || !/^sha(?:256:[0-9a-f]{64}|512:[0-9a-f]{128})$/.test(digest)) return [];
      // Without a tag, Harbor repeats the digest.
      return [{ digest, tag: tag !== undefined && /^\w[\w.-]{0,127}$/.test(tag) ? tag : undefined }];
    });
    return images.length === 0 ? other("It names no image.") : { kind: "image", action, repository, images };
  },
});

/** Without an overview it is not known. */
function isScanned(resource: unknown): boolean {
  const overview = at(resource, "scan_overview");
  if (overview === undefined) return true;
  const reports = typeof overview === "object" && overview !== null ? Object.values(overview) : [];
  return reports.every((one) => textAt(one, "scan_status") === "Success");
}
