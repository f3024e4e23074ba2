// Rules for every text that people read when something goes wrong.

export const RULES: readonly (readonly [rule: string, forbidden: RegExp])[] = [
  ["no doubled full stop or colon", /(?<!\.)\.\.(?!\.)|::|\.;|\.:/],
  ["no object or value of JavaScript", /\[object |\bundefined\b|\bNaN\b|=> /],
  [
    "no words of zod",
    /expected \w+, received|Invalid (?:input|option|string|URL|key)|Too (?:small|big)|Unrecognized key/,
  ],
  ["no words of the CEL library", /no matching overload|No such overload|Unknown variable:|Unexpected token/],
  ["no placeholder", /(?<!\$|\$\{)\{\w+(?::[^}]*)?\}(?!\})/],
  ["no error code of the system without words", /(?:^|[:.] )(?:ENOENT|EACCES|ECONNREFUSED|ECONNRESET)\b/],
  ["no empty message", /^\s*$/],
  ["no line break", /\n/],
];
