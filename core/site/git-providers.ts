// The git hosts that Gantry has a client for, as the `provider` of a git system names them.

export const GIT_PROVIDERS = ["bitbucket-dc", "bitbucket-cloud", "github", "gitea", "gitlab", "gitee"] as const;
export type GitProvider = (typeof GIT_PROVIDERS)[number];
