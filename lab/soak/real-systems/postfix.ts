// Debian's Postfix with a greylisting policy, killed and started again while mails are sent. Every mail must arrive at every
// receiver. Needs root, because Postfix starts its daemons under accounts of their own.

import { execFile } from "node:child_process";
import { chmodSync, existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { mailChannel, mailConfig } from "@gantry/connectors/mail/channel.ts";
import type { Message } from "@gantry/core/notify/channel.ts";

const run = promisify(execFile);
const PROGRAM = "/usr/sbin/postfix";
const RECEIVERS = ["ops@corp.example", "grey@corp.example", "lee@corp.example"];
const GREYLIST_MS = 1_500;
const [TRIES, AGAIN_MS] = [100, 200];
const LOG = "log";

/** Why the scenario cannot run on this machine. */
export function noPostfix(): string | undefined {
  if (!existsSync(PROGRAM)) return "postfix is not installed";
  return process.getuid?.() === 0 ? undefined : "postfix needs root";
}

/** `greylisted`, `interrupted`: mails that a greylist or a restart made Gantry send again. `missing`: pairs of mail and receiver that never arrived. */
export async function mailWhileRestarting(
  times: number,
): Promise<{ sent: number; greylisted: number; interrupted: number; missing: number }> {
  const dir = await mkdtemp(join(tmpdir(), "gantry-postfix-"));
  chmodSync(dir, 0o755);
  const policy = await startGreylist();
  const port = await portOf(createServer(), true);
  await configure(dir, port, await portOf(policy, false));
  await start(dir);
  const config = { host: "127.0.0.1", port, tls: "if-offered", from: "gantry@corp.example", to: RECEIVERS };
  const channel = mailChannel.open(mailConfig.parse(config), { fetch });
  const figures = { sent: 0, greylisted: 0, interrupted: 0, missing: 0 };
  try {
    for (let nth = 0; nth < times; nth++) {
      const restart = async (): Promise<void> => {
        // A moment within the conversation, different every time.
        await pause((nth * 7) % 100);
        await run(PROGRAM, ["-c", dir, "abort"]);
        await start(dir);
      };
      const [problems] = await Promise.all([sendUntilDone(channel, `mail-${nth}`), restart()]);
      if (problems.some(isGreylisting)) figures.greylisted += 1;
      if (problems.some((problem) => !isGreylisting(problem))) figures.interrupted += 1;
      figures.sent += 1;
    }
    figures.missing = await missingIn(join(dir, "mail"), times);
    return figures;
  } finally {
    await channel.close?.();
    await run(PROGRAM, ["-c", dir, "abort"]).catch(() => undefined);
    policy.close();
    await rm(dir, { recursive: true, force: true });
  }
}

/** `abort` returns before the old daemons have ended, and until then a start is refused because they hold the lock. */
async function start(dir: string): Promise<void> {
  for (let refusals = 0; ; refusals++) {
    try {
      await run(PROGRAM, ["-c", dir, "start"]);
      return;
    } catch (error) {
      if (refusals < TRIES) await pause(AGAIN_MS);
      else
        throw new Error(`Postfix did not start: ${(await readFile(join(dir, LOG), "utf8")).slice(-2_000)}`, {
          cause: error,
        });
    }
  }
}

function isGreylisting(problem: string): boolean {
  return /greylisted/i.test(problem);
}

/** Answers why each attempt before the last one failed. */
async function sendUntilDone(channel: ReturnType<typeof mailChannel.open>, title: string): Promise<readonly string[]> {
  const [thread, state, at] = ["soak", "failed", new Date()] as const;
  const message: Message = {
    key: title,
    thread,
    to: undefined,
    state,
    title,
    text: title,
    facts: [],
    link: undefined,
    at,
  };
  const problems: string[] = [];
  while (problems.length < TRIES) {
    const result = await channel.send(message, AbortSignal.timeout(10_000));
    if (result.kind === "delivered") return problems;
    if (result.kind === "refused") throw new Error(`refused: ${result.problem}`);
    problems.push(result.problem);
    await pause(AGAIN_MS);
  }
  throw new Error(`${title} was never delivered`);
}

/** Postfix delivers from its queue a moment after it accepted a mail; a mail may arrive twice, as the same Message-ID. */
async function missingIn(folder: string, times: number): Promise<number> {
  for (let looks = 0; ; looks++) {
    let missing = 0;
    for (const receiver of RECEIVERS) {
      const box = join(folder, receiver, "new");
      const names = existsSync(box) ? await readdir(box) : [];
      const mails = await Promise.all(names.map((name) => readFile(join(box, name), "utf8")));
      const subjects = new Set(mails.map((mail) => /^Subject: .*(mail-\d+)$/m.exec(mail)?.[1]));
      for (let nth = 0; nth < times; nth++) if (!subjects.has(`mail-${nth}`)) missing += 1;
    }
    if (missing === 0 || looks > 100) return missing;
    await pause(AGAIN_MS);
  }
}

/** Postfix's policy protocol: attributes line by line, an empty line, and one action as the answer. */
async function startGreylist(): Promise<Server> {
  const asked = new Map<string, number>();
  let count = 0;
  const server = createServer((socket) => {
    let text = "";
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("utf8");
      for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
        const recipient = /^recipient=(.*)$/m.exec(text.slice(0, end))?.[1] ?? "";
        text = text.slice(end + 2);
        const nowMs = Date.now();
        const sinceMs = asked.get(recipient) ?? nowMs;
        asked.set(recipient, sinceMs);
        // Begins anew for every fifth mail, as after the time in which a greylist remembers.
        const grey = recipient.startsWith("grey") && nowMs - sinceMs < GREYLIST_MS;
        if (recipient.startsWith("grey") && !grey && ++count % 5 === 0) asked.delete(recipient);
        socket.write(`action=${grey ? "DEFER_IF_PERMIT Greylisted, try again later" : "DUNNO"}\n\n`);
      }
    });
  });
  return server;
}

async function configure(dir: string, port: number, policyPort: number): Promise<void> {
  for (const folder of ["spool", "data"]) await mkdir(join(dir, folder));
  await mkdir(join(dir, "mail"), { mode: 0o777 });
  chmodSync(join(dir, "mail"), 0o777);
  await run("chown", ["postfix", join(dir, "data")]);
  await writeFile(
    join(dir, "main.cf"),
    `compatibility_level = 3.6
queue_directory = ${dir}/spool
data_directory = ${dir}/data
mail_owner = postfix
setgid_group = postdrop
myhostname = mail.corp.example
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
maillog_file = ${dir}/${LOG}
maillog_file_prefixes = ${dir}
mynetworks = 127.0.0.0/8
smtpd_recipient_restrictions = check_policy_service inet:127.0.0.1:${policyPort}, permit
virtual_mailbox_domains = corp.example
virtual_mailbox_base = ${dir}/mail
virtual_mailbox_maps = texthash:${dir}/boxes
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
`,
  );
  await writeFile(join(dir, "boxes"), RECEIVERS.map((one) => `${one} ${one}/\n`).join(""));
  await writeFile(
    join(dir, "master.cf"),
    `127.0.0.1:${port} inet n - n - - smtpd
postlog unix-dgram n - n - 1 postlogd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
virtual unix - n n - - virtual
error unix - - n - - error
showq unix n - n - - showq
anvil unix - - n - 1 anvil
proxymap unix - - n - - proxymap
`,
  );
}

/** Starts it on a free port; `closed` frees the port again. */
function portOf(server: Server, closed: boolean): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      if (closed) server.close(() => resolve(port));
      else resolve(port);
    });
  });
}
