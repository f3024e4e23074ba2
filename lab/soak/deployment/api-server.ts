// A real Kubernetes API server with its etcd on free loopback ports, and nothing else of a cluster. It validates and stores
// objects as every cluster does; no controller acts on them.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "@gantry/runtime/free-ports.ts";
import { end } from "../../processes/agent-process.ts";

const TOKEN = "token-of-the-lab";
const READY_MS = 120_000;

export type ApiServer = {
  readonly version: string;
  /** Body as JSON. Never throws because of a status. */
  readonly call: (method: "GET" | "POST", path: string, body?: object) => Promise<ApiAnswer>;
  readonly close: () => Promise<void>;
};
/** `warnings`: what the server reports about an object that it accepts. */
export type ApiAnswer = { readonly status: number; readonly body: unknown; readonly warnings: readonly string[] };

/** Why no API server can be started on this machine; undefined when one can. */
export function noApiServer(): string | undefined {
  for (const program of ["etcd", "kube-apiserver"]) {
    try {
      execFileSync("which", [program], { stdio: "ignore" });
    } catch {
      return `there is no ${program} here`;
    }
  }
  return undefined;
}

export async function startApiServer(): Promise<ApiServer> {
  const dir = await mkdtemp(join(tmpdir(), "gantry-kubernetes-"));
  const [client = 0, peer = 0, port = 0] = await freePorts(3);
  const etcd = `http://127.0.0.1:${client}`;
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const key = join(dir, "accounts.pem");
  await writeFile(key, privateKey.export({ type: "pkcs8", format: "pem" }), { mode: 0o600 });
  await writeFile(join(dir, "tokens.csv"), `${TOKEN},lab,lab,"system:masters"\n`, { mode: 0o600 });
  const children = [
    begin("etcd", [
      ...[`--data-dir=${join(dir, "etcd")}`, `--listen-client-urls=${etcd}`, `--advertise-client-urls=${etcd}`],
      `--listen-peer-urls=http://127.0.0.1:${peer}`,
    ]),
    begin("kube-apiserver", [
      ...[`--etcd-servers=${etcd}`, "--bind-address=127.0.0.1", `--secure-port=${port}`, `--cert-dir=${dir}`],
      ...[`--service-account-key-file=${key}`, `--service-account-signing-key-file=${key}`],
      ...["--service-account-issuer=https://kubernetes.lab.invalid", `--token-auth-file=${join(dir, "tokens.csv")}`],
      ...["--authorization-mode=RBAC", "--service-cluster-ip-range=10.96.0.0/16", "--advertise-address=127.0.0.1"],
    ]),
  ];
  const close = async (): Promise<void> => {
    for (const child of children.toReversed()) await end(child);
    await rm(dir, { recursive: true, force: true });
  };
  try {
    const call: ApiServer["call"] = async (method, path, body) =>
      ask({ port, ca: await readFile(join(dir, "apiserver.crt"), "utf8") }, method, path, body);
    await ready(call, children);
    const { gitVersion } = (await call("GET", "/version")).body as { gitVersion: string };
    return { version: gitVersion, call, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function begin(program: string, argv: readonly string[]): ChildProcess {
  return spawn(program, argv, { stdio: "ignore" });
}

async function ready(call: ApiServer["call"], children: readonly ChildProcess[]): Promise<void> {
  for (const until = performance.now() + READY_MS; performance.now() < until; ) {
    const gone = children.find(({ exitCode }) => exitCode !== null);
    if (gone) throw new Error(`${gone.spawnfile} ended with ${gone.exitCode}`);
    const status = await call("GET", "/readyz").then(
      (answer) => answer.status,
      () => 0,
    );
    if (status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("the API server was not ready in time");
}

function ask(
  { port, ca }: { readonly port: number; readonly ca: string },
  method: string,
  path: string,
  body?: object,
): Promise<ApiAnswer> {
  const headers = { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" };
  return new Promise((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port, ca, method, path, headers }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      answer.on("error", reject);
      answer.on("end", () => {
        const text = Buffer.concat(chunks).toString("utf8");
        const isJson = /json/.test(answer.headers["content-type"] ?? "");
        const warnings = [answer.headers.warning ?? []].flat();
        resolve({ status: answer.statusCode ?? 0, body: isJson ? JSON.parse(text) : text, warnings });
      });
    });
    asked.on("error", reject);
    asked.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
