// Environment variables that a pipeline file may not set, because the runner sets them, or because they change which
// programs run or what code programs load.

const RESERVED = [
  /^PATH$/,
  /^HOME$/,
  /^TMPDIR$/,
  /^IFS$/,
  /^ENV$/,
  /^PS4$/,
  /^SHELLOPTS$/,
  /^BASH/,
  /^LD_/,
  /^DYLD_/,
  /^GIT_/,
  /^GANTRY/,
  /^NODE_OPTIONS$/,
  /^NODE_PATH$/,
  /^PYTHON(STARTUP|PATH|HOME|INSPECT|BREAKPOINT)$/,
  /^PERL5(OPT|LIB|DB)$/,
  /^RUBY(OPT|LIB)$/,
  /^JAVA_TOOL_OPTIONS$/,
];

/** Linux accepts at most 128 KiB per variable. */
export const MAX_VARIABLE = 100_000;

export function isReservedVariable(name: string): boolean {
  return RESERVED.some((pattern) => pattern.test(name));
}

export function isVariableName(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]{0,199}$/.test(name);
}
