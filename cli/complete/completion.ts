// `gantry completion`: a script for the shell, made from the table of commands. It starts a process only where a name of the
// portal can stand.

import { flagsOf } from "../line/parse-line.ts";
import type { Command, Flag, Outcome } from "../table/command.ts";
import { UsageError } from "../table/command.ts";
import { asksFor } from "./decide-names.ts";

/** What may follow after the words of a path: `` for the first word, `task`, `task list`. */
type Node = {
  readonly path: string;
  readonly words: readonly (readonly [word: string, about: string])[];
  /** Whether the portal knows names that can stand there. */
  readonly asks: boolean;
};

export function completion(
  shell: string,
  commands: readonly Command[],
  aliases: { readonly [word: string]: string },
): Outcome {
  const make = { bash, zsh, fish }[shell];
  if (!make) throw new UsageError(`${shell}: use bash, zsh or fish`);
  const nodes = nodesOf(commands, aliases);
  const text = make(nodes);
  return { value: text, text };
}

function nodesOf(commands: readonly Command[], aliases: { readonly [word: string]: string }): readonly Node[] {
  const leaves = commands.map((command) => ({
    path: command.name,
    words: wordsOf(command),
    asks: asksFor(command),
  }));
  const groups = [...new Set(commands.map(({ name }) => name.split(" ")[0] ?? ""))];
  const inner = groups.flatMap((group): readonly Node[] => {
    const own = commands.filter(({ name }) => name.startsWith(`${group} `));
    const words = own.map(({ name, summary }) => [name.slice(group.length + 1), summary] as const);
    return own.length === 0 ? [] : [{ path: group, words, asks: false }];
  });
  const first = groups.map((word) => [word, commands.find(({ name }) => name === word)?.summary ?? ""] as const);
  const known = [...leaves, ...inner];
  const short = Object.entries(aliases).flatMap(([alias, name]) =>
    known
      .filter(({ path }) => path === name || path.startsWith(`${name} `))
      .map(({ path, ...node }) => ({ path: `${alias}${path.slice(name.length)}`, ...node })),
  );
  return [{ path: "", words: [...first, ["help", "show the help"]], asks: false }, ...known, ...short];
}

function wordsOf(command: Command): Node["words"] {
  const values = command.args
    .flatMap((arg) => (arg.includes("|") ? arg.split("|") : []))
    .map((one) => [one, ""] as const);
  const flags = Object.entries(flagsOf(command)).flatMap(([name, { values: allowed, summary }]: [string, Flag]) => [
    [`--${name}`, summary] as const,
    ...(allowed ?? []).map((one) => [`--${name}=${one}`, ""] as const),
  ]);
  return [...values, ...flags];
}

/** The paths of the commands that ask the portal, as a pattern of `case`. */
const askingOf = (nodes: readonly Node[]): readonly string[] =>
  nodes.filter(({ asks }) => asks).map(({ path }) => path);

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** Whether the values at a node are names that the portal knows, for bash and zsh. */
function asksFunction(nodes: readonly Node[]): string {
  return `_gantry_asks() {
  case "$1" in
    ${askingOf(nodes).map(quoted).join("|")}) return 0 ;;
    *) return 1 ;;
  esac
}`;
}

/** The words before the cursor without flags name the node: the longest known path that they begin with. */
function bash(nodes: readonly Node[]): string {
  const cases = nodes.map(
    ({ path, words }) => `    ${quoted(path)}) words=${quoted(words.map(([word]) => word).join(" "))} ;;`,
  );
  return `# bash completion of gantry
_gantry_words() {
  case "$1" in
${cases.join("\n")}
    *) return 1 ;;
  esac
}
${asksFunction(nodes)}
_gantry() {
  local words= path= next= flag= at cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}"
  for ((at = 1; at < COMP_CWORD; at++)); do
    [[ \${COMP_WORDS[at]} == -* ]] && break
    next="\${path:+$path }\${COMP_WORDS[at]}"
    _gantry_words "$next" || break
    path="$next"
  done
  _gantry_words "$path"
  # Bash takes = for a word of its own.
  if [[ $cur == "=" ]]; then flag="$prev=" cur=
  elif [[ $prev == "=" ]]; then flag="\${COMP_WORDS[COMP_CWORD-2]}="
  elif [[ " $words" == *" $prev="* ]]; then flag="$prev="
  fi
  COMPREPLY=($(compgen -W "$words" -- "$flag$cur"))
  COMPREPLY=("\${COMPREPLY[@]#"$flag"}")
  if [[ $cur != -* ]] && _gantry_asks "$path"; then
    COMPREPLY+=($(command gantry complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
  fi
  [[ \${#COMPREPLY[@]} -gt 0 ]] || COMPREPLY=($(compgen -f -- "$cur"))
}
complete -F _gantry gantry
`;
}

function zsh(nodes: readonly Node[]): string {
  const cases = nodes.map(({ path, words }) => {
    const all = words.map(([word, about]) =>
      quoted(`${word.replaceAll(":", "\\:")}${about === "" ? "" : `:${about}`}`),
    );
    return `    ${quoted(path)}) found=(${all.join(" ")}) ;;`;
  });
  return `#compdef gantry
_gantry_words() {
  case "$1" in
${cases.join("\n")}
    *) return 1 ;;
  esac
}
${asksFunction(nodes)}
_gantry() {
  local -a found names
  local node= next= word
  for word in "\${(@)words[2,CURRENT-1]}"; do
    [[ $word == -* ]] && break
    next="\${node:+$node }$word"
    _gantry_words "$next" || break
    node="$next"
  done
  _gantry_words "$node"
  if [[ \${words[CURRENT]} != -* || \${words[CURRENT]} == *=* ]] && _gantry_asks "$node"; then
    names=(\${(f)"$(command gantry complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)"})
  fi
  (( $#names )) && compadd -a names
  _describe gantry found || (( $#names )) || _files
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _gantry "$@"; else compdef _gantry gantry; fi
`;
}

function fish(nodes: readonly Node[]): string {
  const escaped = (text: string): string => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
  const lines = nodes.flatMap(({ path, words }) =>
    words.map(([word, about]) => `    case ${escaped(path)}; printf '%s\\t%s\\n' ${escaped(word)} ${escaped(about)}`),
  );
  const cases = nodes.map(({ path }) => {
    const own = lines.filter((line) => line.startsWith(`    case ${escaped(path)};`));
    return `    case ${escaped(path)}\n${own.map((line) => `      ${line.slice(line.indexOf("printf"))}`).join("\n")}`;
  });
  return `# fish completion of gantry
function __gantry_words
  switch "$argv[1]"
${cases.join("\n")}
    case '*'
      return 1
  end
end
function __gantry_path
  set -l path ''
  set -l words (commandline -opc)
  set -e words[1]
  for word in $words
    string match -q -- '-*' $word; and break
    set -l next (string trim -- "$path $word")
    __gantry_words "$next" >/dev/null; or break
    set path "$next"
  end
  echo "$path"
end
function __gantry
  set -l path (__gantry_path)
  __gantry_words "$path"
  switch "$path"
    case ${askingOf(nodes).map(escaped).join(" ")}
      set -l words (commandline -opc)
      command gantry complete -- $words[2..-1] (commandline -ct) 2>/dev/null
  end
end
complete -c gantry -f -n 'test (count (__gantry_words (__gantry_path))) -gt 0' -a '(__gantry)'
`;
}
