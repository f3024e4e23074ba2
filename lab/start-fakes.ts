// The fakes of one site as if they were real systems, for docs/first-app.md: each with its own account and token, on this
// machine, and nothing else of the lab. Ctrl-C ends them; the same folder continues.

import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { LOOPBACK } from "./fakes/fake-server.ts";
import { startFakes } from "./fakes/fakes.ts";

const HELP = `Usage: node lab/start-fakes.ts [DIR] [--site SITE]

Starts a git host (Bitbucket Data Center), a Harbor, an Argo CD with the cluster SITE-dp, a Nexus, a SonarQube, a Jira and a
mail server, and writes DIR/systems.env with their addresses and accounts (default: fake-systems, and the site main).
MAILS_URL in it answers with the mails that arrived, as JSON.
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { site: { type: "string", default: "main" }, help: { type: "boolean", short: "h", default: false } },
});
if (values.help || positionals.length > 1 || !/^[a-z0-9-]+$/.test(values.site)) {
  process.stdout.write(HELP);
  process.exit(values.help ? 0 : 2);
}
const { site } = values;
const dir = resolve(positionals[0] ?? "fake-systems");
mkdirSync(dir, { recursive: true, mode: 0o700 });
const fakes = await startFakes(join(dir, "world"), LOOPBACK, { sites: { [site]: `${site}-dp` } });

const lines = Object.entries({
  GIT: "bitbucket",
  JIRA: "jira",
  HARBOR: `${site}-harbor`,
  ARGOCD: `${site}-argocd`,
  NEXUS: `${site}-nexus`,
  SONARQUBE: `${site}-sonarqube`,
}).flatMap(([name, fake]) => {
  const { url = "", username = "", secret = "" } = fakes.entries[fake] ?? {};
  return [`${name}_URL='${url}'`, `${name}_USER='${username}'`, `${name}_SECRET='${secret}'`];
});
const { reader } = fakes.entries.bitbucket ?? {};
lines.push(`ARGOCD_GIT_USER='${reader?.username ?? ""}'`, `ARGOCD_GIT_SECRET='${reader?.secret ?? ""}'`);
const { url: mailUrl = "", smtpPort = 0 } = fakes.entries.mail ?? {};
lines.push(`MAIL_HOST='${LOOPBACK}'`, `MAIL_PORT='${smtpPort}'`, `MAILS_URL='${mailUrl}/_lab/mails'`);
const file = join(dir, "systems.env");
// A fake sonar-scanner, for the runner that is started in the same shell.
const path = `PATH='${fileURLToPath(new URL("./fakes/bin", import.meta.url))}'":$PATH"`;
writeFileSync(`${file}.new`, `${[...lines, path].join("\n")}\n`, { mode: 0o600 });
renameSync(`${file}.new`, file);
process.stdout.write(`The fakes run. Their addresses and accounts are in ${file}. Ctrl-C ends them.\n`);

const stop = (): void => {
  fakes.close().then(
    () => process.exit(0),
    (error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
      process.exit(1);
    },
  );
};
process.once("SIGINT", stop);
process.once("SIGTERM", stop);
