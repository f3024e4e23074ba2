// Settings files that make package managers download from one Nexus. Pure. They all belong in the HOME of a job.

export const FORMATS = ["npm", "maven", "pypi", "go", "nuget"] as const;
export type Format = (typeof FORMATS)[number];
export type Account = { readonly username: string; readonly password: string };

/** `path` is relative to HOME. A file with `merge` keeps the entries that other steps wrote for other hosts. */
export type SettingsFile = { readonly path: string; readonly text: string; readonly merge?: "netrc" };

/** The files for one format. The account holds no line breaks. `repository` is the address of the group repository, with a slash at its end. */
export function settingsFiles(format: Format, repository: string, account: Account | undefined): SettingsFile[] {
  switch (format) {
    case "npm":
      return [
        { path: ".npmrc", text: npmrc(repository, account) },
        { path: ".yarnrc.yml", text: yarnrc(repository, account) },
      ];
    case "maven":
      return [
        { path: ".m2/settings.xml", text: settingsXml(repository, account) },
        // Java takes the home of the user from the machine and not from HOME, so Maven would not find the settings.
        { path: ".mavenrc", text: 'MAVEN_OPTS="-Duser.home=$HOME ${MAVEN_OPTS-}"\n' },
        { path: ".gradle/init.d/nexus.gradle", text: gradleInit(repository, account) },
      ];
    case "pypi":
      return [...pythonFiles(repository), ...netrc(repository, account)];
    case "go":
      return [
        // Only the modules of this Nexus: nothing is fetched from elsewhere when one is missing.
        { path: ".config/go/env", text: `GOPROXY=${repository}\n` },
        ...netrc(repository, account),
      ];
    case "nuget":
      return [{ path: ".nuget/NuGet/NuGet.Config", text: nugetConfig(repository, account) }];
  }
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

/** Removes every repository that a build names, so that no download bypasses Nexus. */
function gradleInit(repository: string, account: Account | undefined): string {
  const credentials = account
    ? `
    credentials { username = ${groovy(account.username)}; password = ${groovy(account.password)} }`
    : "";
  return `def nexus = { repositories ->
  repositories.clear()
  repositories.maven {
    name = "nexus"
    url = uri(${groovy(repository)})
    allowInsecureProtocol = ${repository.startsWith("http:")}${credentials}
  }
  repositories.whenObjectAdded { if (it.name != "nexus") repositories.remove(it) }
}
beforeSettings { settings ->
  nexus(settings.pluginManagement.repositories)
  nexus(settings.buildscript.repositories)
}
settingsEvaluated { settings -> nexus(settings.dependencyResolutionManagement.repositories) }
allprojects {
  nexus(buildscript.repositories)
  nexus(repositories)
}
`;
}

/** pip, uv, and Poetry with its plugin poetry-plugin-pypi-mirror. */
function pythonFiles(repository: string): SettingsFile[] {
  const { hostname, protocol } = new URL(repository);
  const trusted = protocol === "http:" ? `trusted-host = ${hostname}\n` : "";
  const index = `${repository}simple`;
  return [
    { path: ".config/pip/pip.conf", text: `[global]\nindex-url = ${index}\n${trusted}` },
    { path: ".config/uv/uv.toml", text: `[[index]]\nurl = ${JSON.stringify(index)}\ndefault = true\n` },
    {
      path: ".config/pypoetry/config.toml",
      text: `[plugins.pypi_mirror]\nurl = ${JSON.stringify(`${index}/`)}\n`,
    },
  ];
}

function nugetConfig(repository: string, account: Account | undefined): string {
  const insecure = repository.startsWith("http:") ? ' allowInsecureConnections="true"' : "";
  const credentials = account
    ? `  <packageSourceCredentials>
    <nexus>
      <add key="Username" value="${xml(account.username)}" />
      <add key="ClearTextPassword" value="${xml(account.password)}" />
    </nexus>
  </packageSourceCredentials>
`
    : "";
  return `<?xml version="1.0" encoding="utf-8"?>
<configuration>
  <packageSources>
    <clear />
    <add key="nexus" value="${xml(`${repository}index.json`)}" protocolVersion="3"${insecure} />
  </packageSources>
${credentials}</configuration>
`;
}

/** Yarn 2 and later. Yarn 1 and pnpm read the .npmrc. */
function yarnrc(repository: string, account: Account | undefined): string {
  const { hostname, protocol } = new URL(repository);
  const registry = repository.replace(/\/$/, "");
  const ident = account ? `${account.username}:${account.password}` : "";
  return [
    `npmRegistryServer: ${JSON.stringify(registry)}`,
    ...(protocol === "http:" ? [`unsafeHttpWhitelist: [${JSON.stringify(hostname)}]`] : []),
    ...(account
      ? [
          "npmRegistries:",
          `  ${JSON.stringify(registry.replace(/^https?:/, ""))}:`,
          "    npmAlwaysAuth: true",
          `    npmAuthIdent: ${JSON.stringify(ident)}`,
        ]
      : []),
    "",
  ].join("\n");
}

function netrc(repository: string, account: Account | undefined): SettingsFile[] {
  if (!account) return [];
  return [{ path: ".netrc", text: netrcLine(new URL(repository).hostname, account), merge: "netrc" }];
}

function netrcLine(host: string, { username, password }: Account): string {
  const quoted = (text: string): string => `"${text.replace(/["\\]/g, "\\$&")}"`;
  return `machine ${host} login ${quoted(username)} password ${quoted(password)}\n`;
}

/** A text in single quotes, in which Groovy evaluates nothing. */
function groovy(text: string): string {
  return `'${text.replace(/[\\']/g, "\\$&")}'`;
}

function xml(text: string): string {
  return text.replace(/[&<>"']/g, (one) => `&#${one.charCodeAt(0)};`);
}
