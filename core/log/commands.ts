// The commands that a script gives by a line of its output, in the syntax of GitHub Actions:
//
//   ::error file=app.js,line=1,col=5::message
//
// A command is a whole line; white space before it does not count. In the message, `%0A`, `%0D` and `%25` stand for a line
// feed, a carriage return and a percent sign; in the value of a property also `%3A` and `%2C` for a colon and a comma. Names
// of commands and properties are in any case. Any other line is ordinary output. Pure.

export const COMMANDS = [
  "error",
  "warning",
  "notice",
  "debug",
  "group",
  "endgroup",
  "add-mask",
  "stop-commands",
  "progress",
] as const;
export type CommandName = (typeof COMMANDS)[number];

const NAMES: ReadonlyMap<string, CommandName> = new Map(COMMANDS.map((name) => [name, name]));

export type LogCommand = {
  readonly name: CommandName;
  /** By their names in lower case. */
  readonly properties: ReadonlyMap<string, string>;
  /** What follows the second `::`. */
  readonly message: string;
};

/** Whether commands are read. After `::stop-commands::TOKEN` they are not, until a line `::TOKEN::`. */
export type CommandState = { readonly resume?: string };
export const READING: CommandState = {};

/**
 * The command of the next line of a log, without its line break, and the state after it. The command is undefined for ordinary
 * output; the line that switches commands on again is ordinary output as well.
 */
export function readCommand(
  { resume }: CommandState,
  line: string,
): { readonly command?: LogCommand; readonly state: CommandState } {
  const parts = partsOf(line);
  if (resume !== undefined) return { state: parts?.name === resume ? READING : { resume } };
  const command = parts && commandOf(parts);
  if (command === undefined) return { state: READING };
  if (command.name !== "stop-commands") return { command, state: READING };
  // A token that is empty or the name of a command would not say that this script wants its own token back.
  const token = command.message.trim().toLowerCase();
  if (token === "" || NAMES.has(token)) return { state: READING };
  return { command, state: { resume: token } };
}

/** Returns the commands of lines that are given in order. */
export function readCommands(): (line: string) => LogCommand | undefined {
  let state = READING;
  return (line) => {
    const read = readCommand(state, line);
    state = read.state;
    return read.command;
  };
}

/** The command of one line by itself. */
export function parseCommand(line: string): LogCommand | undefined {
  const parts = partsOf(line);
  return parts && commandOf(parts);
}

type Parts = { readonly name: string; readonly properties: string; readonly message: string };

function partsOf(line: string): Parts | undefined {
  const start = line.trimStart();
  if (!start.startsWith("::")) return undefined;
  const text = start.endsWith("\r") ? start.slice(0, -1) : start;
  const end = text.indexOf("::", 2);
  if (end < 0) return undefined;
  const head = text.slice(2, end);
  const space = head.indexOf(" ");
  const name = (space < 0 ? head : head.slice(0, space)).toLowerCase();
  return { name, properties: space < 0 ? "" : head.slice(space + 1), message: text.slice(end + 2) };
}

function commandOf({ name, properties, message }: Parts): LogCommand | undefined {
  const known = NAMES.get(name);
  if (known === undefined) return undefined;
  // Most readers need no properties, and a log may have very many commands.
  return {
    name: known,
    message: unescapeMessage(message),
    get properties() {
      return propertiesOf(properties);
    },
  };
}

function propertiesOf(text: string): LogCommand["properties"] {
  const pairs = text.split(",").flatMap((pair): [string, string][] => {
    const at = pair.indexOf("=");
    return at < 1 ? [] : [[pair.slice(0, at).trim().toLowerCase(), unescapeProperty(pair.slice(at + 1))]];
  });
  return new Map(pairs);
}

const MESSAGE: { readonly [code: string]: string } = { "%0D": "\r", "%0A": "\n", "%25": "%" };
const PROPERTY: { readonly [code: string]: string } = { ...MESSAGE, "%3A": ":", "%2C": "," };

function unescapeMessage(text: string): string {
  return !text.includes("%") ? text : text.replace(/%(?:0D|0A|25)/g, (code) => MESSAGE[code] ?? code);
}

function unescapeProperty(text: string): string {
  return text.replace(/%(?:0D|0A|25|3A|2C)/g, (code) => PROPERTY[code] ?? code);
}
