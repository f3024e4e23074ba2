// One row of the table of commands. Help, completion, suggestions, the reference and the tests are made from it.

import type { PortalClient } from "../client.ts";
import type { Io } from "../io.ts";

export type Flag = {
  readonly type: "boolean" | "string";
  readonly short?: string;
  readonly multiple?: true;
  readonly required?: true;
  /** The name of the value in the help: `--ref BRANCH`. */
  readonly value?: string;
  /** The only values that are allowed. */
  readonly values?: readonly string[];
  readonly summary: string;
};
export type Flags = { readonly [name: string]: Flag };

/** What the flags of a call are. */
export type Values<F extends Flags> = {
  readonly [N in keyof F]: F[N] extends { readonly type: "boolean" }
    ? boolean
    : F[N] extends { readonly multiple: true }
      ? readonly string[]
      : F[N] extends { readonly required: true }
        ? string
        : string | undefined;
};

type Argument<T> = T extends `${string}…` | `${string}…]`
  ? readonly string[]
  : T extends `[${string}]`
    ? string | undefined
    : string;

/** What the arguments of a call are: `NAME` a text, `[NAME]` a text or undefined, `FILE…` and `[FILE…]` a list. */
export type Arguments<A extends readonly string[]> = { readonly [I in keyof A]: Argument<A[I]> };

/** What a command prints: `value` with --json, else `text`. */
export type Outcome = { readonly value: unknown; readonly text: string; readonly code?: number };

export type Context = {
  readonly io: Io;
  /** Whether --json was given. */
  readonly json: boolean;
  /** Opens the portal that flags, environment and contexts name. `signal` aborts its requests. */
  readonly portal: (signal?: AbortSignal) => PortalClient;
  /** The address of that portal, without its token. */
  readonly portalUrl: () => string;
};

/** `V`: the flags; `A`: the arguments. */
export type Call<V = object, A = readonly []> = Context & { readonly flags: V; readonly args: A };

/** Rejected by a command that was called wrongly: `message` is a sentence without its full stop. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

type About = {
  /** As it is typed: `task list`. */
  readonly name: string;
  /** In lists of commands: begins in lower case, without a full stop. */
  readonly summary: string;
  /** Sentences for the help of the command. */
  readonly details?: string;
  /** Without `gantry`; a comment may follow after `#`. */
  readonly examples?: readonly string[];
  /** It talks to the portal: it has the flags of PORTAL_FLAGS and --json. */
  readonly portal?: true;
  /** It has --json. */
  readonly json?: true;
  /** Runs when only the first word of the name is typed. */
  readonly isDefault?: true;
};

export type ParsedFlags = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;
export type ParsedArguments = readonly (string | readonly string[] | undefined)[];

export type Command = About & {
  readonly args: readonly string[];
  readonly flags: Flags;
  /** The exit code, or what to print before 0. */
  readonly run: (context: Context, flags: ParsedFlags, args: ParsedArguments) => Promise<Outcome | number>;
};

/** A row whose `run` gets its flags and arguments with their types. */
export function command<const F extends Flags = Record<never, Flag>, const A extends readonly string[] = readonly []>(
  row: About & {
    readonly args?: A;
    readonly flags?: F;
    readonly run: (call: Call<Values<F>, Arguments<A>>) => Promise<Outcome | number>;
  },
): Command {
  const { args, flags, run, ...about } = row;
  return {
    ...about,
    args: args ?? [],
    flags: flags ?? {},
    run: (context, parsed, given) => {
      // The parser of command lines makes exactly what `args` and `flags` say, which the types repeat.
      const typed = { flags: parsed, args: given } as unknown as { flags: Values<F>; args: Arguments<A> };
      return run({ ...context, ...typed });
    },
  };
}
