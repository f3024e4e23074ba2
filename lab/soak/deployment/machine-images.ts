// Images made of this machine's programs, for an engine that can pull none: those that the compose file needs besides
// Gantry's own image.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, chown, cp, mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { copyProgram, makeRootFolder, which } from "./base-image.ts";

const run = promisify(execFile);

const KAFKA_START = `#!/bin/sh
set -eu
java -cp '/opt/kafka/libs/*' kafka.docker.KafkaDockerWrapper setup --default-configs-dir /etc/kafka/docker \\
  --mounted-configs-dir /mnt/shared/config --final-configs-dir /opt/kafka/config
exec java -Xmx384m -cp '/opt/kafka/libs/*' kafka.Kafka /opt/kafka/config/server.properties
`;
const KAFKA_ASK = `#!/bin/sh
exec java -Xmx64m -XX:TieredStopAtLevel=1 -cp '/opt/kafka/libs/*' kafka.admin.BrokerApiVersionsCommand "$@"
`;
const PATH = "ENV PATH=/usr/local/bin:/usr/bin:/bin";

const MADE = {
  node: { fill: makeRootFolder, config: [PATH] },
  redis: { fill: redisRoot, config: [PATH] },
  kafka: {
    fill: kafkaRoot,
    config: [PATH, 'CMD ["/etc/kafka/docker/run"]', "ENV CLUSTER_ID=5L6g3nShT-eMCtK--X86sw"],
  },
} as const;
export type MadeImage = keyof typeof MADE;

/** Gives the engine an image with this machine's Node, Redis or Kafka; returns its name. */
export async function makeImage(name: MadeImage): Promise<string> {
  const { fill, config } = MADE[name];
  const tag = `gantry-lab/${name}:of-this-machine`;
  const root = await mkdtemp(join(tmpdir(), "gantry-root-"));
  try {
    await chmod(root, 0o755);
    await fill(root);
    const changes = config.flatMap((one) => ["--change", one]);
    const tar = spawn("tar", ["-C", root, "-c", "."], { stdio: ["ignore", "pipe", "inherit"] });
    const into = spawn("docker", ["import", ...changes, "-", tag], { stdio: [tar.stdout, "ignore", "inherit"] });
    const [code] = await once(into, "exit");
    if (code !== 0) throw new Error(`the engine did not take the image ${tag}`);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
  return tag;
}

async function redisRoot(root: string): Promise<void> {
  for (const name of ["sh", "cat", "grep", "redis-server", "redis-cli"])
    await copyProgram(await which(name), name === "sh" ? "/bin/sh" : `/usr/bin/${name}`, root);
  await folders(root, 999, 1000, ["data"]);
}

async function kafkaRoot(root: string): Promise<void> {
  await copyProgram("/bin/sh", "/bin/sh", root);
  const java = dirname(dirname(await realpath(await which("java"))));
  // Debian's copy refers to sources that are not installed.
  await cp(java, join(root, java), { recursive: true, dereference: true, filter: (from) => existsSync(from) });
  await copyProgram(join(java, "bin/java"), join(java, "bin/java"), root);
  await copyProgram(join(java, "lib/server/libjvm.so"), join(java, "lib/server/libjvm.so"), root);
  await mkdir(join(root, "usr/bin"), { recursive: true });
  await run("ln", ["-s", join(java, "bin/java"), join(root, "usr/bin/java")]);
  const jars = join(process.env.GANTRY_KAFKA_DIR ?? join(homedir(), ".cache/gantry-test/kafka"), "jars");
  await folders(root, 1000, 1000, ["opt/kafka/config", "var/lib/kafka/data", "mnt/shared/config", "etc/kafka/docker"]);
  await cp(jars, join(root, "opt/kafka/libs"), { recursive: true });
  await mkdir(join(root, "opt/kafka/bin"));
  const script = async (path: string, text: string): Promise<void> => {
    await writeFile(join(root, path), text);
    await chmod(join(root, path), 0o755);
  };
  await script("opt/kafka/bin/kafka-broker-api-versions.sh", KAFKA_ASK);
  await script("etc/kafka/docker/run", KAFKA_START);
  for (const name of ["server", "log4j", "tools-log4j"])
    await writeFile(join(root, `etc/kafka/docker/${name}.properties`), "");
}

/** Empty folders that belong to the user of the processes; a new volume takes over the ownership. */
async function folders(root: string, user: number, group: number, paths: readonly string[]): Promise<void> {
  await mkdir(join(root, "tmp"), { recursive: true });
  await chmod(join(root, "tmp"), 0o1777);
  for (const path of paths) {
    await mkdir(join(root, path), { recursive: true });
    await chown(join(root, path), user, group);
  }
}
