// The fake issuer as a process of its own, to try single sign-on with a portal that was set up by hand.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startOidc } from "./oidc.ts";

const ID = "corp";
const SECRET = "fake-issuer-secret";
const HELP = `Usage: node lab/fakes/oidc/main.ts --portal URL --person NAME[:GROUP,GROUP]… [--port N]\n`;

const { values } = parseArgs({
  options: {
    portal: { type: "string" },
    person: { type: "string", multiple: true, default: [] },
    port: { type: "string", default: "0" },
  },
});
if (values.portal === undefined || !URL.canParse(values.portal)) {
  process.stderr.write(HELP);
  process.exit(2);
}
const portal = values.portal.replace(/\/+$/, "");
const dir = mkdtempSync(join(tmpdir(), "gantry-fake-issuer-"));
const issuer = await startOidc({
  name: ID,
  dir,
  port: Number(values.port),
  clients: [
    {
      id: "gantry",
      secret: SECRET,
      redirectUris: [`${portal}/sign-in/callback/${ID}`],
      postLogoutUris: [`${portal}/sign-in`],
      backChannelUri: `${portal}/sign-in/back-channel/${ID}`,
    },
  ],
  people: values.person.map((one) => {
    const [username = "", groups = ""] = one.split(":");
    return { username, groups: groups.split(",").filter((group) => group !== "") };
  }),
});
process.stdout.write(`A fake issuer: everybody signs in with a name alone. For signIn.issuers of portal-api.yaml:

    - { id: ${ID}, name: Corp, issuer: "${issuer.url}", clientId: gantry, clientSecret: ${SECRET} }
`);
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => {
    void issuer.close().finally(() => {
      rmSync(dir, { recursive: true, force: true });
      process.exit(0);
    });
  });
