// `gantry context`: which of the portals that a person has signed in to is used.

import { textTable } from "../print/text-table.ts";
import type { Call, Outcome } from "../table/command.ts";
import { contextNamed, LOCAL, readContexts, writeContexts } from "./contexts.ts";

export async function listContexts({ io }: Call): Promise<Outcome> {
  const { current = LOCAL, contexts } = readContexts(io);
  const saved = Object.entries(contexts).map(([name, { url, token }]) => ({
    name,
    url,
    isSignedIn: token !== undefined,
  }));
  const value = [...saved.map((one) => ({ ...one, isCurrent: one.name === current }))];
  const rows = value.map(({ name, url, isSignedIn, isCurrent }) => [
    isCurrent ? "*" : "",
    name,
    url,
    isSignedIn ? "" : "signed out",
  ]);
  const local = [current === LOCAL ? "*" : "", LOCAL, "the data folder .data of `gantry start`", ""];
  return { value, text: textTable(["", "CONTEXT", "PORTAL", ""], [...rows, local]) };
}

export async function useContext({ io, args: [name] }: Call<object, readonly [string]>): Promise<Outcome> {
  const { contexts } = readContexts(io);
  if (name === LOCAL) {
    writeContexts(io, { contexts });
    return { value: { name }, text: "Commands now use the data folder .data of `gantry start`.\n" };
  }
  const { url, token } = contextNamed({ contexts }, name);
  writeContexts(io, { contexts, current: name });
  const hint = token === undefined ? `You are signed out there: \`gantry login ${url}\`.\n` : "";
  return { value: { name, url }, text: `Commands now use ${url}.\n${hint}` };
}

/** The token stays valid at the portal until it is revoked there, as after `gantry logout`. */
export async function removeContext({ io, args: [name] }: Call<object, readonly [string]>): Promise<Outcome> {
  const { current, contexts } = readContexts(io);
  const { url, token } = contextNamed({ contexts }, name);
  const { [name]: _removed, ...others } = contexts;
  writeContexts(io, { contexts: others, ...(current === undefined || current === name ? {} : { current }) });
  const hint = token === undefined ? "" : ` Its token stays valid until you revoke it at ${url}/profile.`;
  return { value: { name, url }, text: `The context ${name} is removed.${hint}\n` };
}
