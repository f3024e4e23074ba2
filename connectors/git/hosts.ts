// The client that belongs to a git system's provider.

import { bitbucketCloudHost } from "../bitbucket-cloud/client.ts";
import { bitbucketDcHost } from "../bitbucket-dc/client.ts";
import { githubHost } from "../github/client.ts";
import type { GitHost, HostAccess } from "./host.ts";

export function openHost(access: HostAccess): GitHost {
  switch (access.system.provider) {
    case "bitbucket-dc":
      return bitbucketDcHost(access);
    case "bitbucket-cloud":
      return bitbucketCloudHost(access);
    case "github":
      return githubHost(access);
  }
}
