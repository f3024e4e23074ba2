// What a Maven proxy repository of Nexus does: files of Maven Central, fetched when they are first asked for and kept.

import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Answer } from "../fake-server.ts";

const CENTRAL = "https://repo.maven.apache.org/maven2";
const FETCH_MS = 60_000;
/** Group, artifact, version, file: letters, digits and what names of artifacts have. */
const PATH = /^(?:[A-Za-z0-9_][A-Za-z0-9._+-]*\/)*[A-Za-z0-9_][A-Za-z0-9._+-]*$/;

/** `folder`: where files are kept. Throws the answer for a file that is not there, or while Maven Central is unreachable. */
export async function mavenFile(folder: string, path: string): Promise<Buffer> {
  if (!PATH.test(path)) throw new Answer(400, { message: "Not a path of a repository" });
  const file = join(folder, path);
  const kept = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT" && error.code !== "ENOTDIR" && error.code !== "EISDIR") throw error;
    return undefined;
  });
  if (kept) return kept;
  const answer = await fetch(`${CENTRAL}/${path}`, { signal: AbortSignal.timeout(FETCH_MS) }).catch(
    (cause: unknown) => {
      throw new Answer(502, { message: `Maven Central cannot be reached: ${String(cause)}` });
    },
  );
  if (!answer.ok) throw new Answer(answer.status === 404 ? 404 : 502, { message: `Maven Central: ${answer.status}` });
  const content = Buffer.from(await answer.arrayBuffer());
  await mkdir(dirname(file), { recursive: true });
  // Two builds may ask for the same file at once.
  const part = `${file}.${process.hrtime.bigint()}.part`;
  await writeFile(part, content);
  await rename(part, file);
  return content;
}

/** Whether Maven Central answers from this machine. */
export async function reachesMavenCentral(): Promise<boolean> {
  const answer = await fetch(`${CENTRAL}/junit/junit/maven-metadata.xml`, {
    method: "HEAD",
    signal: AbortSignal.timeout(5_000),
  }).catch(() => undefined);
  return answer?.ok === true;
}
