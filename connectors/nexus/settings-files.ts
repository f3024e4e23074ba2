// Settings files that make package managers download from one Nexus. Pure. They all belong in the HOME of a job.

export const FORMATS = ["npm", "maven", "pypi"] as const;
export type Format = (typeof FORMATS)[number];
export type Account = { readonly username: string; readonly password: string };

/** `path` is relative to HOME. A file with `merge` keeps the entries that other steps wrote for other hosts. */
export type SettingsFile = { readonly path: string; readonly text: string; readonly merge?: "netrc" };

/** The files for one format. The account holds no line breaks. `repository` is the address of the group repository, with a slash at its end. */
export function settingsFiles(format: Format, repository: string, account: Account | undefined): SettingsFile[] {
  if (format === "npm") return [{ path: ".npmrc", text: npmrc(repository, account) }];
  if (format === "maven") return [{ path: ".m2/settings.xml", text: settingsXml(repository, account) }];
  const { hostname, protocol } = new URL(repository);
  const trusted = protocol === "http:" ? `trusted-host = ${hostname}\n` : "";
  const pip = { path: ".config/pip/pip.conf", text: `[global]\nindex-url = ${repository}simple\n${trusted}` };
  return account ? [pip, { path: ".netrc", text: netrcLine(hostname, account), merge: "netrc" }] : [pip];
}

/** The content of a .netrc after one machine is set: its old line is removed, all other lines stay. */
export function mergeNetrc(before: string, line: string): string {
  const machine = line.split(" ", 2).join(" ");
  const others = before.split("\n").filter((one) => one !== "" && !one.startsWith(`${machine} `));
  return [...others, line].join("\n");
}

/** The registry named in a project's own .npmrc, which npm prefers over the one in HOME. */
export function registryOf(npmrcText: string): string | undefined {
  return /^\s*registry\s*=\s*(\S+)\s*$/m.exec(npmrcText)?.[1];
}

function npmrc(repository: string, account: Account | undefined): string {
  const lines = [`registry=${repository}`];
  if (account) {
    const pair = Buffer.from(`${account.username}:${account.password}`, "utf8").toString("base64");
    lines.push(`${repository.replace(/^https?:/, "")}:_auth=${pair}`);
  }
  return `${lines.join("\n")}\n`;
}

/** One mirror for all repositories, so that no download bypasses Nexus. */
function settingsXml(repository: string, account: Account | undefined): string {
  const server = account
    ? `  <servers>
    <server><id>nexus</id><username>${xml(account.username)}</username><password>${xml(account.password)}</password></server>
  </servers>
`
    : "";
  return `<settings xmlns="http://maven.apache.org/SETTINGS/1.0.0">
${server}  <mirrors>
    <mirror><id>nexus</id><mirrorOf>*</mirrorOf><url>${xml(repository)}</url></mirror>
  </mirrors>
</settings>
`;
}

function netrcLine(host: string, { username, password }: Account): string {
  const quoted = (text: string): string => `"${text.replace(/["\\]/g, "\\$&")}"`;
  return `machine ${host} login ${quoted(username)} password ${quoted(password)}\n`;
}

function xml(text: string): string {
  return text.replace(/[&<>"']/g, (one) => `&#${one.charCodeAt(0)};`);
}
