// Mail addresses, strictly: what is sent to comes from rules and so from events; a display name, a comment or a line end
// in an address is how headers and receivers are smuggled in.

const LOCAL = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*";
const LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?";
const ADDRESS = new RegExp(`^${LOCAL}@${LABEL}(?:\\.${LABEL})*$`);
const MAX_RECEIVERS = 50;

/** `name@host`, nothing more. */
export function isMailAddress(text: string): boolean {
  return text.length <= 254 && text.indexOf("@") <= 64 && ADDRESS.test(text);
}

/** A list with commas, as rules write it; undefined when it is empty or one of them is no address. */
export function readReceivers(list: string): readonly string[] | undefined {
  const addresses = [...new Set(list.split(",").map((one) => one.trim()))];
  return addresses.length <= MAX_RECEIVERS && addresses.every(isMailAddress) ? addresses : undefined;
}
