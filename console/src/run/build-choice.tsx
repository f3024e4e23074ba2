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
  const chosen = builds.find((one) => numberOrDigest(one) === value) ?? (value === "" ? release[0] : undefined);
  return (
    <>
      <select {...shared} value={value} onChange={({ currentTarget }) => onChange(currentTarget.value)}>
        <option value="">
          {release[0] ? `newest of the release branch: ${buildLine(release[0])}` : "newest of the release branch"}
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
      {chosen ? <Unmet build={chosen} /> : null}
    </>
  );
}

/** Targets that may not get the build, and why. */
function Unmet({ build }: { build: BuildView }) {
  return (
    <>
      {Object.entries(build.unmet).map(([target, problems]) => (
        <p class="field-about" key={target}>
          <span class="mono">{target}</span>: {problems.join("; ")}
        </p>
      ))}
    </>
  );
}

/** An image that an older version recorded has no number. */
function numberOrDigest({ number, images }: BuildView): string {
  return number === 0 ? (images[0]?.digest ?? "") : String(number);
}

/** "#12 main a1b2c3d Mend the till". */
function buildLine({ number, branch, commit, subject = "" }: BuildView): string {
  return [number === 0 ? "" : `#${number}`, branch, commit.slice(0, 8), subject].filter((one) => one !== "").join(" ");
}
