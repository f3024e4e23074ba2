// Values in pages: times, durations, ids that can be copied, external links, JSON of any shape.

import type { JsonValue } from "@gantry/core/json.ts";
import { useState } from "preact/hooks";
import { now } from "../data/clock.ts";
import { isJsonObject } from "../data/json-access.ts";
import { copyText } from "./clipboard.ts";
import { ago, duration, exact, moment, short, ticking } from "./format.ts";
import { Icon } from "./icon.tsx";

export function RelativeTime({ at }: { at: string }) {
  return (
    <time class="num" dateTime={at} title={exact(at)}>
      {ago(at, now.value)}
    </time>
  );
}

/** A time in the future. */
export function Moment({ at }: { at: string }) {
  return (
    <time class="num" dateTime={at} title={exact(at)}>
      {moment(at)}
    </time>
  );
}

/** How long something took, or how long it has been running since a time. */
export function Duration({ ms, since }: { ms?: number | undefined; since?: string | undefined }) {
  if (ms !== undefined) return <span class="num">{duration(ms)}</span>;
  if (since === undefined) return <span class="faint">–</span>;
  return <span class="num ticks">{ticking(now.value - Date.parse(since))}</span>;
}

/** A shortened id; a click copies the full one. */
export function CopyableId({ value, label }: { value: string; label?: string }) {
  const [isCopied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    await copyText(value);
    setCopied(true);
    setTimeout(() => setCopied(false), 1_500);
  };
  return (
    <button type="button" class="id" title={`${value}\nClick to copy`} onClick={() => void copy()}>
      <span class="mono">{label ?? short(value)}</span>
      {isCopied ? <span class="copied">copied</span> : <Icon name="copy" />}
    </button>
  );
}

export function CopyButton({ text, what }: { text: string; what: string }) {
  const [isCopied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    await copyText(text);
    setCopied(true);
    setTimeout(() => setCopied(false), 1_500);
  };
  return (
    <button type="button" class="button small" onClick={() => void copy()}>
      {isCopied ? "Copied" : what}
    </button>
  );
}

/** A link to another site. Other schemes than http and https are shown as text: an address may come from any program. */
export function ExternalLink({ href, children }: { href: string; children?: preact.ComponentChildren }) {
  if (!/^https?:\/\//.test(href)) return <span>{children ?? href}</span>;
  return (
    <a href={href} target="_blank" rel="noreferrer" class="out" title={href}>
      <span>{children ?? href.replace(/^https?:\/\//, "")}</span>
      <Icon name="out" />
    </a>
  );
}

/** Any JSON value: addresses are links, ids are shortened, lists and objects are nested lists. */
export function JsonValueView({ value }: { value: JsonValue }) {
  if (value === null || value === "") return <span class="faint">–</span>;
  if (typeof value === "boolean" || typeof value === "number") return <span class="mono">{String(value)}</span>;
  if (typeof value === "string") {
    if (/^https?:\/\/\S+$/.test(value)) return <ExternalLink href={value} />;
    if (/^(sha256:[0-9a-f]{64}|[0-9a-f]{40})$/.test(value)) return <CopyableId value={value} />;
    const image = /^(\S+)@(sha256:[0-9a-f]{64})$/.exec(value);
    if (image) {
      return (
        <span class="mono">
          {image[1]}@<CopyableId value={value} label={short(value)} />
        </span>
      );
    }
    return <span class={value.length > 80 && !value.includes("${{") ? "text" : "mono"}>{value}</span>;
  }
  if (isJsonObject(value)) return <KeyValueList values={value} />;
  if (value.length === 0) return <span class="faint">none</span>;
  return (
    <ul class="values">
      {value.map((one, at) => (
        <li key={at}>
          <JsonValueView value={one} />
        </li>
      ))}
    </ul>
  );
}

export function KeyValueList({ values }: { values: { readonly [name: string]: JsonValue } }) {
  return (
    <dl class="pairs">
      {Object.entries(values).map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            <JsonValueView value={value} />
          </dd>
        </div>
      ))}
    </dl>
  );
}
