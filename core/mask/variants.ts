// The forms in which a secret turns up in logs: as it is, line by line, and in the encodings that programs like to print.

const encoder = new TextEncoder();

/** Shorter lines of a secret with several lines are not masked: they would be found everywhere. */
const MIN_LINE = 4;

/** All byte sequences that give the secret away. Best effort: an encoding that is not listed here is not found. */
export function variantsOf(secret: string): readonly Uint8Array[] {
  const texts = new Set<string>();
  for (const form of formsOf(secret)) {
    const bytes = encoder.encode(form);
    for (const text of [form, ...base64Forms(bytes), ...hexForms(bytes), ...urlForms(form), ...quotedForms(form)]) {
      if (text.length >= MIN_LINE) texts.add(text);
    }
  }
  return [...texts].map((text) => encoder.encode(text));
}

function formsOf(secret: string): readonly string[] {
  const lines = secret.split(/\r?\n/);
  return [secret, secret.trim(), ...(lines.length > 1 ? lines.flatMap((line) => [line, line.trim()]) : [])].filter(
    (form) => form.length >= MIN_LINE,
  );
}

/**
 * A secret inside a longer text (`user:secret`) can begin at three places of a base64 group. Of each form only the
 * characters are kept that the secret alone decides.
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

function base64(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

function hexForms(bytes: Uint8Array): readonly string[] {
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex, hex.toUpperCase()];
}

function urlForms(text: string): readonly string[] {
  const component = encodeURIComponent(text.toWellFormed());
  // encodeURIComponent leaves !'()* alone; many other encoders do not.
  const strict = component.replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
  const lower = (form: string): string => form.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase());
  return [component, strict].flatMap((form) => [form, lower(form), form.replaceAll("%20", "+")]);
}

function quotedForms(text: string): readonly string[] {
  const json = JSON.stringify(text).slice(1, -1);
  const twice = JSON.stringify(json).slice(1, -1);
  return [json, twice, text.replaceAll("'", `'\\''`), text.replaceAll("'", `'"'"'`)];
}
