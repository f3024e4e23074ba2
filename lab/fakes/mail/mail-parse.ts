// Reads a mail as far as the lab needs it: headers with encoded words, and the first text part.

export type ParsedMail = {
  readonly messageId: string;
  readonly subject: string;
  readonly text: string;
  readonly headers: { readonly [name: string]: string };
};

export function parseMail(raw: string): ParsedMail {
  const { headers, body } = split(raw);
  return {
    messageId: headers["message-id"] ?? "",
    subject: headers.subject ?? "",
    text: textOf(headers, body),
    headers,
  };
}

function split(raw: string): { headers: { [name: string]: string }; body: string } {
  const end = /\r?\n\r?\n/.exec(raw);
  const head = end ? raw.slice(0, end.index) : raw;
  const headers: { [name: string]: string } = Object.create(null);
  for (const line of head.replace(/\r?\n[ \t]+/g, " ").split(/\r?\n/)) {
    const colon = line.indexOf(":");
    if (colon < 1) continue;
    const name = line.slice(0, colon).toLowerCase();
    const value = decodeWords(line.slice(colon + 1).trim());
    headers[name] = name in headers ? `${headers[name]}\n${value}` : value;
  }
  return { headers: { ...headers }, body: end ? raw.slice(end.index + end[0].length) : "" };
}

/** The first text/plain part, decoded; the body itself when there are no parts. */
function textOf(headers: { readonly [name: string]: string }, body: string): string {
  const type = headers["content-type"] ?? "text/plain";
  const boundary = /boundary="?([^";]+)"?/i.exec(type)?.[1];
  if (!type.startsWith("multipart/") || boundary === undefined) {
    return decodeBody(body, headers["content-transfer-encoding"] ?? "").replaceAll("\r\n", "\n");
  }
  for (const part of body.split(`--${boundary}`).slice(1)) {
    const inner = split(part.replace(/^\r?\n/, ""));
    const innerType = inner.headers["content-type"] ?? "text/plain";
    if (/^(text\/plain|multipart\/)/.test(innerType)) return textOf(inner.headers, inner.body).replace(/\n$/, "");
  }
  return "";
}

function decodeBody(body: string, encoding: string): string {
  if (encoding.toLowerCase() === "base64") return Buffer.from(body, "base64").toString("utf8");
  if (encoding.toLowerCase() !== "quoted-printable") return body;
  return decodeHex(body.replace(/=\r?\n/g, ""), /(?:=[0-9A-F]{2})+/gi, "=");
}

/** RFC 2047: `=?UTF-8?Q?…?=` and `=?UTF-8?B?…?=`; the space between two of them belongs to neither. */
function decodeWords(value: string): string {
  return value
    .replace(/\?=\s+=\?/g, "?==?")
    .replace(/=\?utf-8\?([qb])\?([^?]*)\?=/gi, (_, kind: string, text: string) =>
      kind.toLowerCase() === "b"
        ? Buffer.from(text, "base64").toString("utf8")
        : decodeHex(text.replaceAll("_", " "), /(?:=[0-9A-F]{2})+/gi, "="),
    );
}

function decodeHex(text: string, runs: RegExp, sign: string): string {
  return text.replace(runs, (run) => Buffer.from(run.replaceAll(sign, ""), "hex").toString("utf8"));
}
