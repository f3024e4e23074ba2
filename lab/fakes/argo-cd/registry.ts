// Checks whether a registry has an image, as a node's container runtime would: HEAD of the manifest, with a token of the
// registry's token service if required. Plain http is used for loopback hosts and where it is allowed.

export type PullCredential = {
  readonly host: string;
  readonly username: string;
  readonly password: string;
  /** The registry has no TLS, as configured in a node's container runtime. */
  readonly plainHttp?: boolean;
};

const ACCEPT = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.docker.distribution.manifest.v2+json",
].join(", ");
const TIMEOUT_MS = 5_000;

/** `present`, or why a pod could not pull it. Images without a registry host count as present. */
export async function findImage(
  image: string,
  credentials: readonly PullCredential[],
): Promise<"present" | { problem: string }> {
  const { host, name, reference } = parseImage(image);
  if (host === undefined) return "present";
  const credential = credentials.find((one) => one.host === host);
  const url = `${credential?.plainHttp || isLoopback(host) ? "http" : "https"}://${host}/v2/${name}/manifests/${reference}`;
  try {
    let answer = await head(url, basic(credential));
    const challenge = answer.headers.get("www-authenticate") ?? "";
    if (answer.status === 401 && /^bearer /i.test(challenge)) {
      answer = await head(url, await tokenFor(challenge, credential));
    }
    if (answer.ok) return "present";
    if (answer.status === 401 || answer.status === 403) return { problem: `image ${image}: pull access denied` };
    if (answer.status === 404) return { problem: `image ${image} not found` };
    return { problem: `image ${image} cannot be pulled: the registry answers ${answer.status}` };
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    return { problem: `image ${image} cannot be pulled: ${cause instanceof Error ? cause.message : "no connection"}` };
  }
}

/** `host/name:tag@digest` split into parts; the digest takes precedence over the tag. */
export function parseImage(image: string): { host: string | undefined; name: string; reference: string } {
  const [before = "", digest] = image.split("@");
  const slash = before.indexOf("/");
  const first = before.slice(0, Math.max(slash, 0));
  const host = slash > 0 && (/[.:]/.test(first) || first === "localhost") ? first : undefined;
  const rest = host === undefined ? before : before.slice(slash + 1);
  const [, name = rest, tag = "latest"] = /^(.*?)(?::([^/:]+))?$/.exec(rest) ?? [];
  return { host, name, reference: digest ?? tag };
}

async function tokenFor(challenge: string, credential: PullCredential | undefined): Promise<string | undefined> {
  const fields = Object.fromEntries([...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, value]) => [key, value]));
  const realm = new URL(String(fields.realm));
  for (const name of ["service", "scope"]) if (fields[name]) realm.searchParams.set(name, fields[name]);
  const authorization = basic(credential);
  const answer = await fetch(realm, {
    signal: AbortSignal.timeout(TIMEOUT_MS),
    ...(authorization === undefined ? {} : { headers: { authorization } }),
  });
  if (!answer.ok) return undefined;
  const body = (await answer.json()) as { token?: string; access_token?: string };
  const token = body.token ?? body.access_token;
  return token === undefined ? undefined : `Bearer ${token}`;
}

function head(url: string, authorization: string | undefined): Promise<Response> {
  return fetch(url, {
    method: "HEAD",
    headers: { accept: ACCEPT, ...(authorization === undefined ? {} : { authorization }) },
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
}

function basic(credential: PullCredential | undefined): string | undefined {
  if (!credential) return undefined;
  return `Basic ${Buffer.from(`${credential.username}:${credential.password}`, "utf8").toString("base64")}`;
}

function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d+){3}|\[::1\])(:\d+)?$/.test(host);
}
