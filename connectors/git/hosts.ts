// The client and the check of each git host.

import type { GitProvider } from "@gantry/core/site/git-providers.ts";
import { bitbucketCloudCheck } from "../bitbucket-cloud/check.ts";
import { bitbucketCloudHost } from "../bitbucket-cloud/client.ts";
import { bitbucketDcCheck } from "../bitbucket-dc/check.ts";
import { bitbucketDcHost } from "../bitbucket-dc/client.ts";
import { giteaCheck } from "../gitea/check.ts";
import { giteaHost } from "../gitea/client.ts";
import { giteeCheck } from "../gitee/check.ts";
import { giteeHost } from "../gitee/client.ts";
import { githubCheck } from "../github/check.ts";
import { githubHost } from "../github/client.ts";
import { gitlabCheck } from "../gitlab/check.ts";
import { gitlabHost } from "../gitlab/client.ts";
import type { GitHost, HostAccess, HostCheck } from "./host.ts";

type Provider = {
  readonly host: (access: HostAccess) => GitHost;
  readonly check: (access: HostAccess) => HostCheck;
};

const PROVIDERS: { readonly [P in GitProvider]: Provider } = {
  "bitbucket-dc": { host: bitbucketDcHost, check: bitbucketDcCheck },
  "bitbucket-cloud": { host: bitbucketCloudHost, check: bitbucketCloudCheck },
  github: { host: githubHost, check: githubCheck },
  gitea: { host: giteaHost, check: giteaCheck },
  gitlab: { host: gitlabHost, check: gitlabCheck },
  gitee: { host: giteeHost, check: giteeCheck },
};

export function openHost(access: HostAccess): GitHost {
  return PROVIDERS[access.system.provider].host(access);
}

export function openHostCheck(access: HostAccess): HostCheck {
  return PROVIDERS[access.system.provider].check(access);
}
