// Apps as a file of `gantry app apply` has them.

/** An app with two targets, as an element of `apps`. */
export const entry = (name: string, { title = name, branch = "main", site = "seoul" } = {}): string =>
  [
    `  - name: ${name}`,
    `    title: ${title}`,
    "    team: payments",
    `    source: { system: bitbucket, project: SHOP, slug: ${name}, branch: ${branch} }`,
    "    build: { site: seoul }",
    "    yaml: { system: bitbucket, project: SHOP, slug: deployments }",
    "    targets:",
    `      - { name: seoul, site: ${site}, cluster: seoul-dp, overlay: ${name}/seoul }`,
    `      - { name: tokyo, site: tokyo, cluster: tokyo-dp, overlay: ${name}/tokyo, environment: prod }`,
  ].join("\n");
