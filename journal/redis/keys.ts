// The names of the journal's keys; scripts.ts says what each one holds.

export type Keys = {
  readonly prefix: string;
  readonly meta: string;
  readonly feed: string;
  /** The channel on which commits are announced. */
  readonly news: string;
  readonly stream: (name: string) => string;
  readonly events: (name: string) => string;
  readonly index: (name: string) => string;
  readonly op: (id: string) => string;
};

/** The braces make a hash tag: a cluster keeps all keys with the same tag on one node. */
export function makeKeys(name: string): Keys {
  if (!/^[A-Za-z0-9_.:-]{1,60}$/.test(name)) throw new TypeError(`not a prefix of keys: ${JSON.stringify(name)}`);
  const prefix = `{${name}}`;
  return {
    prefix,
    meta: `${prefix}:meta`,
    feed: `${prefix}:feed`,
    news: `${prefix}:news`,
    stream: (stream) => `${prefix}:stream:${stream}`,
    events: (stream) => `${prefix}:events:${stream}`,
    index: (index) => `${prefix}:index:${index}`,
    op: (id) => `${prefix}:op:${id}`,
  };
}
