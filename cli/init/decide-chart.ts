// Values of the Helm chart, and the commands that create the Secrets that they name. Pure.

import { type Answers, allSites } from "./answers.ts";
import { channelsOf, runnerSystems, secretsAt, signInOf } from "./decide-systems.ts";

export function chartValues(answers: Answers): object {
  const { url, issuer } = answers;
  const sso = issuer ? { secretFiles: ["gantry-sso"] } : {};
  return {
    publicUrl: url,
    secrets: {
      platformToken: { existingSecret: "gantry-platform" },
      runnerTokens: { existingSecret: "gantry-runner-tokens" },
    },
    notifyAgent: { config: { channels: channelsOf(answers) } },
    portalApi: { config: signInOf(answers, (file) => `/run/secrets/gantry-sso/${file}`), ...sso },
    runners: Object.fromEntries(
      allSites(answers).map((site) => {
        const secret = `gantry-site-${site}`;
        const hasFiles = filesOfSite(answers, site).length > 0;
        return [
          site,
          {
            token: { existingSecret: `gantry-runner-${site}` },
            ...(hasFiles ? { secretFiles: [secret] } : {}),
            config: runnerSystems(answers, site, (file) => `/run/secrets/${secret}/${file}`),
          },
        ];
      }),
    ),
  };
}

function filesOfSite(answers: Answers, site: string): readonly string[] {
  return secretsAt(answers, site).map(({ file }) => file);
}

/** A shell script. Secrets stay in their files: they never appear in a command line. */
export function secretCommands(answers: Answers): string {
  const create = (name: string, ...files: readonly string[]): string =>
    `create ${name} ${files.map((one) => `--from-file=${one}`).join(" ")}\n`;
  const lines = [
    create("gantry-platform", "token=secrets/platform-token"),
    create("gantry-runner-tokens", "tokens.json=secrets/runner-tokens.json"),
    ...allSites(answers).flatMap((site) => {
      const files = filesOfSite(answers, site).map((file) => `secrets/${file}`);
      return [
        create(`gantry-runner-${site}`, `token=secrets/runner-${site}`),
        ...(files.length > 0 ? [create(`gantry-site-${site}`, ...files)] : []),
      ];
    }),
    ...(answers.issuer ? [create("gantry-sso", "secrets/sso-client-secret")] : []),
  ];
  return `#!/bin/sh
# Creates the Secrets that values.yaml names, in the namespace gantry, from the files in the folder secrets. Run it again after a change.
set -eu
cd "$(dirname "$0")"
create() {
  kubectl -n gantry create secret generic "$@" --dry-run=client -o yaml | kubectl apply -f -
}
${lines.join("")}`;
}
