// The pages of the fake Harbor, for people who follow a link from the portal.

import type { Finding } from "./scanner.ts";
import type { ProjectState } from "./state.ts";

type Row = { readonly repository: string; readonly digest: string; readonly tags: readonly string[] };

export function projectsPage(name: string, projects: readonly ProjectState[]): string {
  const items = projects.map(
    (project) => `<li><a href="/harbor/projects/${project.id}">${text(project.name)}</a></li>`,
  );
  return page(name, "Projects", `<ul>${items.join("")}</ul>`);
}

export function projectPage(name: string, project: ProjectState, rows: readonly Row[]): string {
  const items = rows.map(({ repository, digest, tags }) => {
    const short = encodeURIComponent(repository.slice(project.name.length + 1));
    const link = `/harbor/projects/${project.id}/repositories/${short}/artifacts-tab/artifacts/${digest}`;
    return `<tr><td>${text(repository)}</td><td>${text(tags.join(", "))}</td><td><a href="${link}">${digest.slice(0, 19)}</a></td></tr>`;
  });
  return page(
    name,
    `Project ${project.name}`,
    `<table><thead><tr><th>Repository</th><th>Tags</th><th>Digest</th></tr></thead><tbody>${items.join("")}</tbody></table>`,
  );
}

export function artifactPage(
  name: string,
  repository: string,
  artifact: { readonly digest: string; readonly tags: readonly { readonly name: string }[]; readonly size: number } & {
    readonly scan_overview?: Readonly<Record<string, { readonly scan_status: string; readonly severity: string }>>;
  },
  findings: readonly Finding[] | undefined,
): string {
  const scan = Object.values(artifact.scan_overview ?? {})[0];
  const state = scan ? `${scan.scan_status}${scan.severity ? `, worst: ${scan.severity}` : ""}` : "not scanned";
  const rows = (findings ?? []).map(
    (one) =>
      `<tr><td>${text(one.id)}</td><td>${text(one.severity)}</td><td>${text(one.package)} ${text(one.version)}</td><td>${text(one.fix_version || "none")}</td><td>${text(one.description)}</td></tr>`,
  );
  return page(
    name,
    repository,
    `<dl><dt>Digest</dt><dd><code>${artifact.digest}</code></dd><dt>Tags</dt><dd>${text(artifact.tags.map((tag) => tag.name).join(", "))}</dd>` +
      `<dt>Size</dt><dd>${artifact.size} bytes</dd><dt>Scan</dt><dd>${text(state)}</dd></dl>` +
      `<table><thead><tr><th>Id</th><th>Severity</th><th>Package</th><th>Fixed in</th><th>What</th></tr></thead><tbody>${rows.join("")}</tbody></table>`,
  );
}

function page(name: string, title: string, body: string): string {
  return (
    `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">` +
    `<title>${text(title)} · ${text(name)} (fake)</title>` +
    `<style>body{font:16px/1.5 system-ui;margin:2rem;max-width:70rem}table{border-collapse:collapse}td,th{padding:.25rem .75rem;border-bottom:1px solid #ccc;text-align:left}dt{font-weight:600}.note{background:#fff3cd;padding:.5rem 1rem}</style>` +
    `<p class="note">This is a fake Harbor, part of the lab. It is not Harbor.</p>` +
    `<p><a href="/harbor/projects">Projects</a></p><h1>${text(title)}</h1>${body}</html>`
  );
}

function text(value: string): string {
  return value.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
