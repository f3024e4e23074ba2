// What a delivery of any host says.

import { readBitbucketCloud } from "./bitbucket-cloud.ts";
import { readBitbucketDc } from "./bitbucket-dc.ts";
import { type DeliveryFacts, other, type RawDelivery, type ReadDelivery, type WebhookHost } from "./delivery.ts";
import { readGitea } from "./gitea.ts";
import { readGitee } from "./gitee.ts";
import { readGithub } from "./github.ts";
import { readGitlab } from "./gitlab.ts";
import { readHarbor } from "./harbor.ts";
import { readSonarqube } from "./sonarqube.ts";

const READERS: { readonly [Host in WebhookHost]: ReadDelivery } = {
  "bitbucket-dc": readBitbucketDc,
  "bitbucket-cloud": readBitbucketCloud,
  github: readGithub,
  gitea: readGitea,
  gitlab: readGitlab,
  gitee: readGitee,
  harbor: readHarbor,
  sonarqube: readSonarqube,
};

/** Never throws, whatever the body is. */
export function readDelivery(host: WebhookHost, { headers, body }: RawDelivery): DeliveryFacts {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return other("Its body is not JSON.");
  }
  return READERS[host](json, headers);
}
