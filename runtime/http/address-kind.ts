// What kind of network address an IP address is, whichever way it is written. Pure. IPv6 has several forms that carry an
// IPv4 address to which the network translates or tunnels; such an address is as dangerous as the one that it carries.

import { BlockList, isIP, isIPv4 } from "node:net";

/** What an address is; `private` addresses are those of ordinary company networks. */
export type AddressKind = "public" | "private" | "loopback" | "link-local" | "metadata" | "reserved";

/** From the most to the least dangerous. An address that carries another one has the more dangerous kind of the two. */
const KINDS = ["metadata", "loopback", "link-local", "reserved", "private", "public"] as const;

const RANGES: readonly (readonly [kind: AddressKind, ranges: readonly string[]])[] = [
  // Clouds serve credentials at these addresses to every program on their machines.
  [
    "metadata",
    [
      "169.254.169.254/32",
      "169.254.170.2/32",
      "169.254.170.23/32",
      "100.100.100.200/32",
      "168.63.129.16/32",
      "192.0.0.192/32",
      "fd00:ec2::254/128",
      "fd00:ec2::23/128",
      "fd20:ce::254/128",
    ],
  ],
  // Linux connects an unspecified address to the machine itself.
  ["loopback", ["127.0.0.0/8", "0.0.0.0/8", "::1/128", "::/128"]],
  ["link-local", ["169.254.0.0/16", "fe80::/10"]],
  [
    "reserved",
    [
      "100.64.0.0/10",
      "192.0.0.0/24",
      "192.0.2.0/24",
      "198.18.0.0/15",
      "198.51.100.0/24",
      "203.0.113.0/24",
      "224.0.0.0/4",
      "240.0.0.0/4",
      "100::/64",
      "2001:db8::/32",
      "fec0::/10",
      "ff00::/8",
    ],
  ],
  ["private", ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"]],
];

const LISTS = RANGES.map(([kind, ranges]) => [kind, blockListOf(ranges)] as const);

/** The kind of an IP address. Throws a TypeError for a text that is none. */
export function addressKind(address: string): AddressKind {
  const found = formsOf(address).map(kindOf);
  return KINDS.find((kind) => found.includes(kind)) ?? "public";
}

/** A list of ranges such as `10.0.0.0/8`, and of single addresses. Throws for anything else. */
export function blockListOf(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = "", bits] = range.split("/");
    const family = isIPv4(address) ? "ipv4" : "ipv6";
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return list;
}

/** Whether the address, written as IPv4 when it only wraps one, is in the list. */
export function isListed(list: BlockList, address: string): boolean {
  const plain = address.replace(/%.*$/, "");
  return list.check(plain, isIPv4(plain) ? "ipv4" : "ipv6");
}

function kindOf(address: string): AddressKind {
  return LISTS.find(([, list]) => isListed(list, address))?.[0] ?? "public";
}

/** The address without its zone, and the IPv4 addresses that it carries. */
function formsOf(address: string): readonly string[] {
  const plain = address.replace(/%.*$/, "");
  const family = isIP(plain);
  if (family === 0) throw new TypeError(`not an IP address: ${JSON.stringify(address)}`);
  return family === 4 ? [plain] : [plain, ...carriedBy(groupsOf(plain))];
}

/** The eight groups of an IPv6 address. */
function groupsOf(address: string): readonly number[] {
  // The URL parser writes every form as groups in hexadecimal digits with one `::`.
  const [head = "", tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split("::");
  const read = (text: string): number[] => (text === "" ? [] : text.split(":").map((one) => Number.parseInt(one, 16)));
  const [left, right] = [read(head), read(tail ?? "")];
  return tail === undefined ? left : [...left, ...Array(8 - left.length - right.length).fill(0), ...right];
}

function carriedBy(groups: readonly number[]): string[] {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = groups;
  const first = (...zero: readonly number[]): boolean => zero.every((one) => one === 0);
  const found: string[] = [];
  const last = dotted(g, h);
  // Mapped (::ffff:0:0/96), translated (::ffff:0:0:0/96), compatible (::/96, without :: and ::1).
  if (first(a, b, c, d, e) && f === 0xffff) found.push(last);
  if (first(a, b, c, d, f) && e === 0xffff) found.push(last);
  if (first(a, b, c, d, e, f) && (g !== 0 || h > 1)) found.push(last);
  // NAT64: the well-known prefix, and the one for local use.
  if (a === 0x64 && b === 0xff9b && (first(c, d, e, f) || c === 1)) found.push(last);
  if (a === 0x2002) found.push(dotted(b, c));
  // Teredo: its server, and the client with all bits inverted.
  if (a === 0x2001 && b === 0) found.push(dotted(c, d), dotted(g ^ 0xffff, h ^ 0xffff));
  if ((e & 0xfdff) === 0 && f === 0x5efe) found.push(last);
  return found;
}

function dotted(high: number, low: number): string {
  return [high >> 8, high & 0xff, low >> 8, low & 0xff].join(".");
}
