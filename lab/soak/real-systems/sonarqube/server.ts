// A real SonarQube Community on free ports of loopback, with its embedded database, made to start quickly: small heaps, only
// the quick compiler of Java, and no analysers but the one for Python. fetch.sh downloads it.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, openSync, readdirSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { freePorts } from "@gantry/runtime/free-ports.ts";
import type { SonarTokens } from "../../../contract/sonarqube-requests.ts";

/** A first start takes a minute on two cores, and several when they are busy. */
const START_LIMIT_MS = 20 * 60_000;
const PASSWORD = "Gantry-lab-2026!";
/** Registering the rules of all 19 plugins takes more than half of a start. */
const PLUGINS = /^sonar-(python|cayc)-plugin-/;
/** Java's second compiler costs more in a minute than it saves. Elasticsearch has a garbage collector of its own. */
const JAVA_OPTIONS = "-XX:TieredStopAtLevel=1";
const SMALL = "-Xmx384m -XX:+UseSerialGC";

export type RealSonarqube = {
  readonly url: string;
  readonly tokens: SonarTokens;
  /** The folder of `sonar-scanner`. */
  readonly scanner: string;
  /** SIGKILL to all of its processes. */
  readonly kill: () => Promise<void>;
  /** Starts it again with the same data and ports; resolves at once, long before it serves. */
  readonly start: () => void;
  /** Resolves at its first answer, while it still starts. */
  readonly answers: () => Promise<void>;
  /** Resolves when it serves. */
  readonly up: () => Promise<void>;
};

/** Why none can be started on this machine. */
export function noSonarqube(): string | undefined {
  if (!existsSync(join(home(), "fetched"))) return "lab/soak/real-systems/sonarqube/fetch.sh was not run";
  if (spawnSync("java", ["-version"]).status !== 0) return "it needs Java 17";
  return spawnSync("bwrap", ["--version"]).status === 0 ? undefined : "it needs bubblewrap";
}

/** Starts one with an empty database below `dir` and creates the tokens. Resolves when it serves. */
export async function startRealSonarqube(dir: string): Promise<RealSonarqube> {
  const [web, http, transport] = (await freePorts(3)) as [number, number, number];
  for (const folder of ["data", "logs", "temp"]) await mkdir(join(dir, folder));
  const url = `http://127.0.0.1:${web}`;
  let running = launch(dir, { web, http, transport });
  const until = (sign: string): Promise<void> => untilAnswer(url, sign, running, dir);
  const up = (): Promise<void> => until('"status":"UP"');
  await up();
  return {
    url,
    tokens: await createTokens(url),
    scanner: await makeScanner(dir),
    kill: () => kill(running),
    start: () => {
      running = launch(dir, { web, http, transport });
    },
    answers: () => until(""),
    up,
  };
}

/** The scanner's own script, for which steps set no options of Java. */
async function makeScanner(dir: string): Promise<string> {
  const folder = join(dir, "bin");
  await mkdir(folder);
  const script = `#!/bin/sh
SONAR_SCANNER_OPTS='${JAVA_OPTIONS} ${SMALL}' SONAR_SCANNER_JAVA_OPTS='${JAVA_OPTIONS} ${SMALL}' exec '${join(home(), "scanner/bin/sonar-scanner")}' "$@"
`;
  await writeFile(join(folder, "sonar-scanner"), script, { mode: 0o755 });
  return folder;
}

function home(): string {
  return process.env.GANTRY_SONARQUBE_DIR ?? join(homedir(), ".cache/gantry-test/sonarqube");
}

type Ports = { readonly web: number; readonly http: number; readonly transport: number };

/**
 * In a namespace of its own: Elasticsearch refuses to run as root, and the four Java processes end together. Elasticsearch must
 * not need more memory maps than the machine allows by default.
 */
function launch(dir: string, { web, http, transport }: Ports): ChildProcess {
  const lib = join(home(), "server", "lib");
  const jar = readdirSync(lib).find((name) => /^sonar-application-.*\.jar$/.test(name)) ?? "";
  const namespace = ["--unshare-user", "--uid", "1000", "--gid", "1000", "--unshare-pid", "--die-with-parent"];
  const settings = {
    "sonar.web.host": "127.0.0.1",
    "sonar.web.port": web,
    "sonar.search.port": http,
    "sonar.es.port": transport,
    "sonar.path.data": join(dir, "data"),
    "sonar.path.logs": join(dir, "logs"),
    "sonar.path.temp": join(dir, "temp"),
    "sonar.search.javaOpts": "-Xms256m -Xmx256m -XX:MaxDirectMemorySize=128m",
    "sonar.search.javaAdditionalOpts": "-Dnode.store.allow_mmap=false",
    "sonar.web.javaOpts": SMALL,
    "sonar.ce.javaOpts": SMALL,
    "sonar.telemetry.enable": false,
    "sonar.updatecenter.activate": false,
  };
  const options = Object.entries(settings).map(([name, value]) => `-D${name}=${value}`);
  const java = ["java", "-Xmx64m", "-jar", join(lib, jar), ...options];
  const out = openSync(join(dir, "out.log"), "a");
  return spawn("bwrap", [...namespace, "--dev-bind", "/", "/", "--proc", "/proc", ...fewPlugins(lib), ...java], {
    stdio: ["ignore", out, out],
    env: { ...process.env, JAVA_TOOL_OPTIONS: JAVA_OPTIONS },
  });
}

/** Hides the other plugins from the namespace. */
function fewPlugins(lib: string): readonly string[] {
  const folder = join(lib, "extensions");
  const kept = readdirSync(folder).filter((name) => PLUGINS.test(name));
  return ["--tmpfs", folder, ...kept.flatMap((name) => ["--ro-bind", join(folder, name), join(folder, name)])];
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}

async function untilAnswer(url: string, sign: string, child: ChildProcess, dir: string): Promise<void> {
  const endMs = Date.now() + START_LIMIT_MS;
  for (;;) {
    const text = await fetch(`${url}/api/system/status`).then(
      (answer) => answer.text(),
      () => undefined,
    );
    if (text?.includes(sign)) return;
    if (child.exitCode !== null || Date.now() > endMs) {
      throw new Error(`SonarQube did not start: ${(await readFile(join(dir, "out.log"), "utf8")).slice(-2_000)}`);
    }
    await pause(200);
  }
}

async function createTokens(url: string): Promise<SonarTokens> {
  const post = async (who: string, path: string, form: Record<string, string>): Promise<string> => {
    const authorization = `Basic ${Buffer.from(who).toString("base64")}`;
    const answer = await fetch(`${url}/api/${path}`, {
      method: "POST",
      headers: { authorization },
      body: new URLSearchParams(form),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${text}`);
    return text;
  };
  await post("admin:admin", "users/change_password", {
    login: "admin",
    previousPassword: "admin",
    password: PASSWORD,
  });
  const [admin, reader] = [`admin:${PASSWORD}`, `reader:${PASSWORD}`];
  await post(admin, "users/create", { login: "reader", name: "Reader", password: PASSWORD });
  // As in a company: only accounts see projects.
  await post(admin, "projects/update_default_visibility", { projectVisibility: "private" });
  // By default every account may scan and create projects, through the group of all users.
  for (const permission of ["scan", "provisioning"]) {
    await post(admin, "permissions/add_user", { login: "admin", permission });
    await post(admin, "permissions/remove_group", { groupName: "sonar-users", permission });
  }
  const token = async (who: string, name: string, type: string): Promise<string> => {
    const made = JSON.parse(await post(who, "user_tokens/generate", { name, type })) as { token: string };
    return made.token;
  };
  return {
    everything: await token(admin, "everything", "USER_TOKEN"),
    scan: await token(admin, "scan", "GLOBAL_ANALYSIS_TOKEN"),
    browse: await token(reader, "browse", "USER_TOKEN"),
  };
}
