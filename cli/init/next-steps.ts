// What to do after `gantry init`, in words. Pure.

import type { Answers } from "./answers.ts";
import { allSites } from "./answers.ts";

/** `empty`: files of secrets that somebody has to fill, with what belongs into them. */
export function nextSteps(
  answers: Answers,
  empty: readonly { readonly path: string; readonly what: string }[],
): string {
  const { dir, git, jira, templates } = answers;
  const secrets =
    empty.length === 0
      ? []
      : [
          `Put each secret into its file, without a line break at the end or with one. Nobody else can read them:\n${empty
            .map(({ path, what }) => `     ${dir}/${path}\n       ${what}`)
            .join("\n")}`,
        ];
  const steps = [
    ...secrets,
    ...missing(answers),
    ...startSteps(answers),
    "Test what the systems let Gantry do:\n     gantry doctor",
    ...(git && jira
      ? [
          `Push the templates of new apps to the project ${templates}, which must exist:
     gantry templates push`,
        ]
      : []),
    ...(git
      ? [
          "Keep your own pipelines, roles, rules and defaults in a git repository, with a webhook: docs/definitions.md#from-git",
        ]
      : []),
  ];
  const first = "Create or adopt your first app: docs/first-app.md.";
  return [...steps, first].map((one, at) => `  ${at + 1}. ${one}\n`).join("");
}

function missing({ git, harbor, registry, argocd, sites }: Answers): readonly string[] {
  const lacking = [
    ...(git ? [] : ["a git host (--git)"]),
    ...(sites.every((site) => harbor[site] ?? registry[site])
      ? []
      : ["a registry at every site (--harbor, or --registry)"]),
    ...(sites.every((site) => argocd[site]) ? [] : ["an Argo CD at every site (--argocd)"]),
  ];
  if (lacking.length === 0) return [];
  return [
    `Still missing before an app can be built and deployed: ${lacking.join(", ")}. Run gantry init again with --force, or add them to the files.`,
  ];
}

function startSteps(answers: Answers): readonly string[] {
  const { dir, form, url, isolation } = answers;
  const sandbox =
    isolation === "sandbox" && (form === "all-in-one" || form === "separate")
      ? ["Where runners run, install bubblewrap, in which the scripts of apps run: apt-get install bubblewrap"]
      : [];
  const environment = `In the shell of the command gantry: set -a; . ${dir}/gantry.env; set +a`;
  switch (form) {
    case "all-in-one":
      return [
        ...sandbox,
        `Start it:\n     gantry start --config ${dir} --no-lab\n     (without --no-lab, systems that are missing are replaced by fakes, to try it)`,
        environment,
      ];
    case "separate":
      return [
        ...sandbox,
        `Start each process, in the folder of Gantry (docs/processes.md):\n     set -a; . ${dir}/gantry.env; set +a\n${[
          "node task-agent/main.ts   --config DIR/task-agent.yaml",
          "node notify-agent/main.ts --config DIR/notify-agent.yaml",
          "node portal-api/main.ts   --config DIR/portal-api.yaml",
          ...allSites(answers).map((site) => `node task-runner/main.ts  --config DIR/runner-${site}.yaml`),
        ]
          .map((one) => `     ${one.replace("DIR", dir)}`)
          .join(
            "\n",
          )}\n     or all of them, restarted when one exits: gantry start --config ${dir} --no-lab --separate`,
        environment,
      ];
    case "compose":
      return [
        `Build the image and start it:\n     docker build -f deploy/Dockerfile -t gantry:0.1.0 .\n     docker compose -f ${dir}/compose.yaml up --wait`,
        `The portal is at ${url}. Its administrator's token:\n     docker compose -f ${dir}/compose.yaml exec portal-api cat /var/lib/gantry/admin-token`,
      ];
    case "chart":
      return [
        `Create the Secrets and install the chart (docs/install.md):\n     kubectl create namespace gantry\n     sh ${dir}/make-secrets\n     helm install gantry deploy/helm/gantry -n gantry -f ${dir}/values.yaml`,
      ];
  }
}
