// Chooses the build that a task deploys: the newest of the release branch, one of the list, or with its digest any other.

import type { BuildView } from "@gantry/wire/agent/views.ts";
import { type Page, v1 } from "../data/api.ts";
import { useResource } from "../data/store.ts";

type Props = {
  readonly app: string;
  readonly value: string;
  /** Attributes of the input that every field has. */
  readonly shared: object;
  readonly onChange: (value: string) => void;
};

export function BuildChoice({ app, value, shared, onChange }: Props) {
  const builds = useResource<Page<BuildView>>(v1.builds(app)).data.value?.items ?? [];
  const release = builds.filter(({ isRelease }) => isRelease);
  const others = builds.filter(({ isRelease }) => !isRelease);
  const isOther = value !== "" && !builds.some((one) => numberOrDigest(one) === value);
  const byDefault = chosenBuild(builds, "");
  return (
    <>
      <select {...shared} value={value} onChange={({ currentTarget }) => onChange(currentTarget.value)}>
        <option value="">
          {byDefault ? `newest of the release branch: ${buildLine(byDefault)}` : "newest of the release branch"}
        </option>
        {release.map((build) => (
          <option key={build.number} value={numberOrDigest(build)}>
            {buildLine(build)}
          </option>
        ))}
        {others.length > 0 ? (
          <optgroup label="Other branches">
            {others.map((build) => (
              <option key={build.number} value={numberOrDigest(build)}>
                {buildLine(build)}
              </option>
            ))}
          </optgroup>
        ) : null}
        {isOther ? <option value={value}>{value}</option> : null}
      </select>
      {builds.length === 0 ? <p class="field-about">The app has no build yet: run CI first.</p> : null}
    </>
  );
}

/** An image that an older version recorded has no number. */
function numberOrDigest({ number, images }: BuildView): string {
  return number === 0 ? (images[0]?.digest ?? "") : String(number);
}

/** The build that the form means; empty: the newest of the release branch that nobody holds. */
export function chosenBuild(builds: readonly BuildView[], value: string): BuildView | undefined {
  if (value === "") return builds.find(({ isRelease, held }) => isRelease && held === undefined);
  return builds.find((one) => numberOrDigest(one) === value);
}

/** "#12 main a1b2c3d Mend the till", and why it cannot be taken everywhere. */
function buildLine({ number, branch, commit, subject = "", held, unmet }: BuildView): string {
  const line = [number === 0 ? "" : `#${number}`, branch, commit.slice(0, 8), subject].filter((one) => one !== "");
  const targets = Object.keys(unmet);
  const why = [
    ...(held ? [`held by ${held.by}: ${held.reason}`] : []),
    ...(targets.length === 0 ? [] : [`not for ${targets.join(", ")}`]),
  ];
  return `${line.join(" ")}${why.length === 0 ? "" : ` (${why.join("; ")})`}`;
}
