// Starts that must fail because of files, folders, ports or certificates.

import { spawnSync } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { openSqliteJournal } from "@gantry/journal/sqlite/sqlite.ts";
import { startsBadly, withFolder } from "./table.ts";

const correct = "Correct the listed settings and start again.";
const NOBODY = 65_534;

test("unknown keys and values of the wrong type are reported with their lines", () =>
  withFolder(async (dir) => {
    const config = `data: ${dir}/data\nport: many\nportalUrl: http://portal\ntoken: ${"x".repeat(16)}\nrunnerTokens: {}\nlogLevle: info\n`;
    await startsBadly(dir, {
      process: "task-agent",
      config,
      says: `The configuration is not valid. DIR/task-agent.yaml:2: port must be a number; DIR/task-agent.yaml:6: unknown key logLevle (did you mean logLevel?). ${correct}`,
    });
  }));

test("a mistake that the schema cannot find is reported with its line, too", () =>
  withFolder(async (dir) => {
    const config = `data: ${dir}/data\ntoken: ${"x".repeat(16)}\nagent: { url: "http://127.0.0.1:9", token: ${"x".repeat(16)} }\nchannels:\n  ops:\n    kind: mial\n`;
    await startsBadly(dir, {
      process: "notify-agent",
      config,
      says: /^The configuration is not valid\. DIR\/notify-agent\.yaml:6: channels\.ops\.kind: Unknown kind of channel mial \(did you mean mail\?\)/,
    });
  }));

test("a variable of the wrong type", () =>
  withFolder((dir) =>
    startsBadly(dir, {
      process: "portal-api",
      env: { GANTRY_PORTAL_API_PORT: "many" },
      says: `The configuration is not valid. GANTRY_PORTAL_API_PORT must be a number. ${correct}`,
    }),
  ));

test("a variable that names a missing file", () =>
  withFolder((dir) =>
    startsBadly(dir, {
      process: "task-agent",
      env: { GANTRY_TASK_AGENT_TOKEN_FILE: join(dir, "no-such-file") },
      says: `The configuration is not valid. GANTRY_TASK_AGENT_TOKEN_FILE: the file DIR/no-such-file cannot be read: there is no such file (ENOENT). ${correct}`,
    }),
  ));

test("a secret file that is missing: of a runner, and of a notify-agent", () =>
  withFolder(async (dir) => {
    const token = { file: join(dir, "no-such-file") };
    await startsBadly(dir, {
      process: "task-runner",
      config: { token },
      says: "The token of the runner cannot be read. The file DIR/no-such-file cannot be read: there is no such file (ENOENT). Provide the secret there or correct the configuration, then start again.",
    });
    await startsBadly(dir, {
      process: "notify-agent",
      config: { token },
      says: `The configuration is not valid. DIR/notify-agent.yaml:1: token: The file DIR/no-such-file cannot be read: there is no such file (ENOENT). ${correct}`,
    });
  }));

test("a data folder without write permission", () =>
  withFolder(async (dir) => {
    await mkdir(join(dir, "data"), { mode: 0o555 });
    const uid = process.getuid?.() === 0 ? { uid: NOBODY } : {};
    for (const process of ["task-agent", "task-runner", "notify-agent", "portal-api"] as const)
      await startsBadly(dir, {
        process,
        ...uid,
        says: /^DIR\/data\S* cannot be used\. .* configure another data folder\.\n$/,
      });
  }));

test("a data folder that is a file", () =>
  withFolder(async (dir) => {
    await writeFile(join(dir, "data"), "");
    for (const process of ["task-agent", "task-runner"] as const)
      await startsBadly(dir, {
        process,
        says: /^DIR\/data cannot be used\. It is a file, but must be a folder\. Let/,
      });
  }));

test("a data folder that another process uses", () =>
  withFolder(async (dir) => {
    const journal = await openSqliteJournal({ file: join(dir, "data/journal.sqlite"), indexes: [] });
    await startsBadly(dir, {
      process: "task-agent",
      says: /^The journal DIR\/data\/journal\.sqlite is in use by another process\. Only one process may use it at a time\. Its lock is held by process \d+ on \S+\. Stop the other process, or use another data folder\.\n$/,
    });
    await journal.close();
  }));

test("a journal of a newer version, a damaged journal, and a file that is no journal", () =>
  withFolder(async (dir) => {
    const file = join(dir, "data/journal.sqlite");
    await (await openSqliteJournal({ file, indexes: [] })).close();
    const db = new DatabaseSync(file);
    db.exec("PRAGMA user_version = 9000");
    db.close();
    await startsBadly(dir, {
      process: "task-agent",
      says: /^The journal DIR\/data\/journal\.sqlite was written by a newer version of Gantry\. It has layout version 9000; this version of Gantry supports up to \d+\. Start the newer version, or restore a backup\.\n$/,
    });
    await writeFile(file, "this is not a journal, and it is long enough to be looked at".repeat(100));
    await startsBadly(dir, {
      process: "task-agent",
      says: /^DIR\/data\/journal\.sqlite cannot be used\. It is not a journal; restore a backup\./,
    });
  }));

test("a port that is in use", () =>
  withFolder(async (dir) => {
    const server = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const at = server.address();
    if (at === null || typeof at === "string") throw new Error("a listening server must have a port");
    for (const process of ["task-agent", "notify-agent", "portal-api"] as const)
      await startsBadly(dir, {
        process,
        config: { port: at.port },
        says: `Gantry cannot listen on 127.0.0.1:${at.port}. Another process already listens there. Stop the process that uses this address, or configure another \`host\` or \`port\`.`,
      });
    await new Promise((resolve) => server.close(resolve));
  }));

test("invalid certificates and keys, and a key that does not belong to the certificate", () =>
  withFolder(async (dir) => {
    const openssl = (name: string): number | null =>
      spawnSync("openssl", [
        ...["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x", "-days", "2"],
        ...["-keyout", join(dir, `${name}.key`), "-out", join(dir, `${name}.pem`)],
      ]).status;
    if (openssl("a") !== 0 || openssl("b") !== 0) throw new Error("openssl created no certificate");
    const text = (name: string): Promise<string> => readFile(join(dir, name), "utf8");
    await writeFile(join(dir, "empty"), "nothing\n");
    await startsBadly(dir, {
      process: "task-agent",
      config: { journal: { kind: "redis", address: "127.0.0.1:9", tls: true } },
      env: { GANTRY_TASK_AGENT_JOURNAL_TLS_CA_FILE: join(dir, "empty") },
      says: `The configuration is not valid. GANTRY_TASK_AGENT_JOURNAL_TLS_CA_FILE: it does not contain a certificate; it must be the PEM text itself, or a variable with _FILE that names the file. ${correct}`,
    });
    const tls = { tls: true, tlsCert: await text("a.pem"), tlsKey: await text("b.key") };
    await startsBadly(dir, {
      process: "task-agent",
      config: { events: { kafka: { brokers: ["127.0.0.1:9"], ...tls } } },
      says: /events\.kafka\.tlsKey: it is not the key of tlsCert\. Correct/,
    });
    await startsBadly(dir, {
      process: "notify-agent",
      config: { source: { kafka: { brokers: ["127.0.0.1:9"], ...tls, tlsKey: { file: join(dir, "empty") } } } },
      says: /source\.kafka\.tlsKey: it is not a private key in PEM, or the key is encrypted\. Correct/,
    });
  }));

test("a Kafka and a Redis address on which nothing listens", () =>
  withFolder(async (dir) => {
    const kafka = { brokers: ["127.0.0.1:9"] };
    const says =
      /^Kafka at 127\.0\.0\.1:9 cannot be reached and has never been reached before\. .*ECONNREFUSED.* Correct `brokers` in the configuration, or start Kafka\. Once Kafka has been reached, Gantry also starts without it\.\n$/;
    await startsBadly(dir, { process: "task-agent", config: { events: { kafka } }, says });
    await startsBadly(dir, { process: "notify-agent", config: { source: { kafka } }, says });
    await startsBadly(dir, {
      process: "task-agent",
      config: { journal: { kind: "redis", address: "127.0.0.1:9" } },
      says: "The journal at 127.0.0.1:9 cannot be reached. Redis at 127.0.0.1:9 cannot be reached: nothing listens on that address (connect ECONNREFUSED 127.0.0.1:9). Correct `journal` in the configuration or start this Redis, then start again.",
    });
  }));
