// The names of the journal's keys; see scripts.ts for what is behind them.

export type Keys = {
  readonly prefix: string;
  readonly meta: string;
  readonly feed: string;
  /** The channel on which commits are called out. */
  readonly news: string;
  readonly stream: (name: string) => string;
  readonly events: (name: string) => string;
  readonly index: (name: string) => string;
  readonly op: (id: string) => string;
};

/** The braces are the hash tag: a cluster keeps all keys with the same one on one node. */
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
