// The forms in which a secret appears in logs: unchanged, line by line, and in the encodings that programs often print.
// Pure. Best effort: an encoding that is not listed here is not found.

const encoder = new TextEncoder();

/** Shorter lines of a multi-line secret are not masked: they would match everywhere. */
const MIN_LINE = 4;

/** Shorter texts are searched only in their exact form: without regard to spaces they would match everywhere. */
const MIN_FOLDED = 8;

/** A hex dump splits a secret into lines, so every piece of this many bytes is masked. */
const DUMP_PIECE = 8;
const MIN_DUMP_PIECE = 3;

/** Hex dumps of longer secrets are masked only up to this many bytes. */
const MAX_DUMPED = 8192;

/** If a line ends after fewer characters of a secret, only the characters on the following lines are masked. */
export const MIN_BEFORE_LINE_END = 4;

export type Variants = {
  /** Texts that reveal the secret and that `folded` does not cover. */
  readonly exact: Iterable<string>;
  /** Texts without white space, for text that may have been broken into lines or indented. */
  readonly folded: Iterable<string>;
  /** Pieces of the secret in lower case hexadecimal digits, for readers that see only digits. */
  readonly hex: Iterable<string>;
};

export function variantsOf(secret: string): Variants {
  const exact = new Set<string>();
  const folded = new Set<string>();
  const add = (text: string): void => {
    const solid = text.replace(/\s/g, "");
    if (solid.length >= MIN_FOLDED) folded.add(solid);
    if (solid.length < MIN_FOLDED || /[\r\n]/.test(text.slice(0, MIN_BEFORE_LINE_END))) exact.add(text);
  };
  for (const form of formsOf(secret)) {
    const bytes = encoder.encode(form);
    for (const text of [
      form,
      ...base64Forms(bytes),
      ...hexForms(bytes),
      ...urlForms(form),
      ...quotedForms(form),
      ...commandForms(form),
    ]) {
      if (text.length >= MIN_LINE) add(text);
    }
  }
  for (const text of [...nestedForms(secret), ...rareForms(secret.trim())]) add(text);
  return { exact, folded, hex: hexPieces(secret.trim()) };
}

function formsOf(secret: string): readonly string[] {
  const lines = secret.split(/\r?\n/);
  return [secret, secret.trim(), ...(lines.length > 1 ? lines.flatMap((line) => [line, line.trim()]) : [])].filter(
    // A blank line would match every indentation.
    (form) => form.length >= MIN_LINE && form.trim() !== "",
  );
}

/**
 * A secret inside a longer text (`user:secret`) can begin at three places of a base64 group. Of each form, only the
 * characters that depend on the secret alone are kept.
 */
function base64Forms(bytes: Uint8Array): readonly string[] {
  const forms = [0, 1, 2].map((offset) => {
    const padded = new Uint8Array(offset + bytes.length);
    padded.set(bytes, offset);
    const certain = Math.floor((padded.length * 8) / 6);
    return base64(padded).slice(Math.ceil((offset * 8) / 6), certain);
  });
  return forms.flatMap((form) => [form, form.replaceAll("+", "-").replaceAll("/", "_")]);
}

/** Encodings of encodings: base64 twice, with the line ends of base64(1) and openssl between, and UTF-16 as PowerShell. */
function nestedForms(secret: string): readonly string[] {
  const inner = [0, 1, 2].flatMap((offset) => {
    const form = base64Forms(encoder.encode(secret))[2 * offset] ?? "";
    // The end of the first line depends on the text before the secret. It is known only if there is no such text.
    return offset === 0 ? [...new Set([form, wrapped(form, 76), wrapped(form, 64)])] : [form];
  });
  const wide = utf16(secret);
  const url = encodeURIComponent(secret.toWellFormed());
  const nested = [
    ...inner.flatMap((form) => base64Forms(encoder.encode(form))),
    ...base64Forms(wide),
    ...base64Forms(encoder.encode(url)),
    ...inner.flatMap((form) => urlForms(form)),
    encodeURIComponent(url),
  ];
  return nested.filter((text) => text.length >= MIN_FOLDED);
}

/** The forms of longer secrets would make the table of a masker large. */
const MAX_RARE = 512;

/** Encodings that programs do not produce by accident, if searching for them is cheap. */
function rareForms(secret: string): readonly string[] {
  if (secret.length > MAX_RARE) return [];
  const bytes = [...encoder.encode(secret)];
  const octal = bytes.map((byte) => byte.toString(8).padStart(3, "0"));
  const decimal = bytes.map(String);
  const json = JSON.stringify(JSON.stringify(JSON.stringify(secret).slice(1, -1)).slice(1, -1)).slice(1, -1);
  const forms = [
    ...[0, 1, 2, 3, 4].flatMap((offset) => {
      const form = base32([...Array(offset).fill(0), ...bytes]).slice(Math.ceil((offset * 8) / 5));
      return [form, form.toLowerCase()];
    }),
    ...["", "\\", "\\0"].map((mark) => octal.map((one) => mark + one).join("")),
    ...["", ",", ";&#"].map((mark) => decimal.join(mark)),
    // UTF-16: a NUL between two ASCII characters, in both byte orders.
    [...secret].join("\0"),
    [...secret].reverse().join(""),
    json,
    encodeURIComponent(encodeURIComponent(encodeURIComponent(secret.toWellFormed()))),
    // ANSI-C quoting of a shell, as `printf %q` writes it.
    secret.replace(/['\\]/g, "\\$&").replaceAll("\n", "\\n").replaceAll("\t", "\\t"),
  ];
  return forms.filter((text) => text.length >= MIN_FOLDED);
}

const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** Only the characters that the bytes determine, without padding. */
function base32(bytes: readonly number[]): string {
  const bits = bytes.map((byte) => byte.toString(2).padStart(8, "0")).join("");
  return (bits.match(/.{5}/g) ?? []).map((five) => BASE32[Number.parseInt(five, 2)]).join("");
}

/** Low byte first. */
function utf16(text: string): Uint8Array {
  const units = Array.from({ length: text.length }, (_, at) => text.charCodeAt(at));
  return Uint8Array.from(units.flatMap((unit) => [unit & 0xff, unit >> 8]));
}

function wrapped(text: string, width: number): string {
  return text.replace(new RegExp(`(.{${width}})(?=.)`, "g"), "$1\n");
}

function base64(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

function hexForms(bytes: Uint8Array): readonly string[] {
  const hex = hexOf(bytes).join("");
  return [hex, hex.toUpperCase()];
}

function hexOf(bytes: Uint8Array): string[] {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0"));
}

/** Every piece in two digits per byte (`746f`, `74 6f`, `\x74\x6f`), the whole in three (`0x74, 0x6f`) and four (`\u0074`). */
function* hexPieces(secret: string): Generator<string> {
  const digits = hexOf(encoder.encode(secret).slice(0, MAX_DUMPED));
  if (digits.length < MIN_DUMP_PIECE) return;
  const length = Math.min(DUMP_PIECE, Math.max(MIN_DUMP_PIECE, Math.floor(digits.length / 2)));
  for (let at = 0; at + length <= digits.length; at++) yield digits.slice(at, at + length).join("");
  for (const prefix of ["0", "00"]) yield digits.map((byte) => prefix + byte).join("");
}

function urlForms(text: string): readonly string[] {
  const component = encodeURIComponent(text.toWellFormed());
  // encodeURIComponent leaves !'()* alone; many other encoders do not.
  const strict = component.replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
  const lower = (form: string): string => form.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase());
  return [component, strict].flatMap((form) => [form, lower(form), form.replaceAll("%20", "+")]);
}

/** As in the message and in a property of a command in a log, see core/log/commands.ts. */
function commandForms(text: string): readonly string[] {
  const message = text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
  return [message, message.replaceAll(":", "%3A").replaceAll(",", "%2C")];
}

/** Quoted as in JSON (including Go's, PHP's, and JSON inside JSON), shells, HTML and XML. */
function quotedForms(text: string): readonly string[] {
  const json = JSON.stringify(text).slice(1, -1);
  const twice = JSON.stringify(json).slice(1, -1);
  const go = json.replace(/[<>&]/g, (one) => `\\u00${one.charCodeAt(0).toString(16)}`);
  const html = text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  const quotes = [
    ["&quot;", "&#39;"],
    ["&quot;", "&#x27;"],
    ["&quot;", "&#039;"],
    ["&quot;", "&apos;"],
    ["&#34;", "&#39;"],
    ["&quot;", "'"],
    ['"', "'"],
  ].map(([double = "", single = ""]) => html.replaceAll('"', double).replaceAll("'", single));
  return [
    json,
    twice,
    go,
    json.replaceAll("/", "\\/"),
    text.replaceAll("'", `'\\''`),
    text.replaceAll("'", `'"'"'`),
    text.replaceAll("'", "\\'"),
    // As a shell's printf %q writes it.
    text.replace(/[^\p{L}\p{N}_./:@%+=,-]/gu, "\\$&"),
    ...quotes,
  ];
}
