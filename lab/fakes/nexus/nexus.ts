// Fake Nexus Repository 3: status, the list of repositories, a real npm registry with one package, from which an
// unmodified npm installs, and a proxy of Maven Central. Downloads are counted, so that it can be proved that a build used it.

import { join } from "node:path";
import type Koa from "koa";
import { Answer, type FakeServer, type FakeServerOptions, openState, originOf, serve } from "../fake-server.ts";
import { fakePage } from "../page.ts";
import { mavenFile } from "./maven-proxy.ts";
import { type NpmPackage, npmPackage } from "./npm-package.ts";

export type NexusOptions = FakeServerOptions & {
  /** The only account; without one everybody may download. */
  readonly username?: string;
  readonly password?: string;
};

export type Nexus = FakeServer & {
  /** Downloads of packages since the data folder was made: `@lab/greeting-1.0.0.tgz` → times. */
  readonly downloads: () => Readonly<Record<string, number>>;
};

type Repository = { readonly name: string; readonly format: string; readonly type: string; online: boolean };
type State = { repositories: Repository[]; downloads: Record<string, number> };

const REPOSITORIES: readonly Repository[] = [
  { name: "npm-group", format: "npm", type: "group", online: true },
  { name: "maven-group", format: "maven2", type: "group", online: true },
  { name: "pypi-group", format: "pypi", type: "group", online: true },
  { name: "go-group", format: "go", type: "group", online: true },
  { name: "nuget-group", format: "nuget", type: "group", online: true },
];

/** `GET /_lab/downloads` lists the downloads for other processes; `POST /_lab/repositories/<name>/offline` (or online). */
export async function startNexus(options: NexusOptions): Promise<Nexus> {
  const { state, save } = openState<State>(options, () => ({
    repositories: REPOSITORIES.map((one) => ({ ...one })),
    downloads: {},
  }));
  const packages = [await npmPackage("@lab/greeting", "1.0.0", GREETING)];
  const fake = await serve(options, (router) => {
    const guard = async (ctx: Koa.Context, next: Koa.Next): Promise<void> => {
      if (!allowed(options, ctx.get("authorization"))) {
        ctx.set("www-authenticate", 'BASIC realm="Sonatype Nexus Repository Manager"');
        throw new Answer(401, { message: "Authentication required" });
      }
      await next();
    };
    router.get(["/service/rest/v1/status", "/service/rest/v1/status/writable"], (ctx) => {
      ctx.status = 200;
      ctx.body = "";
    });
    router.get("/service/rest/v1/repositories", guard, (ctx) => {
      ctx.body = state.repositories.map((one) => shown(ctx, one));
    });
    router.get("/service/rest/v1/repositories/:name", guard, (ctx) => {
      ctx.body = shown(ctx, repositoryOf(state, ctx.params.name));
    });
    router.get("/_lab/downloads", (ctx) => {
      ctx.body = state.downloads;
    });
    router.post("/_lab/repositories/:name/:state", (ctx) => {
      repositoryOf(state, ctx.params.name).online = ctx.params.state === "online";
      save();
      ctx.status = 204;
    });
    // npm asks for advisories after an install.
    router.post(/^\/repository\/[^/]+\/-\/npm\/v1\/security\//, guard, (ctx) => {
      ctx.body = {};
    });
    router.get(/^\/repository\/([^/]+)\/(.+)$/, guard, async (ctx) => {
      const [, name, rest] = /^\/repository\/([^/]+)\/(.+)$/.exec(ctx.path) ?? [];
      const repository = repositoryOf(state, name);
      if (!repository.online) throw new Answer(503, { message: "Repository offline" });
      const path = decodeURIComponent(rest ?? "");
      const counted =
        repository.format === "maven2"
          ? await serveMaven(ctx, join(options.dir, options.name, "maven"), path)
          : repository.format === "npm"
            ? serveNpm(ctx, packages, repository, path)
            : notFound();
      if (counted === undefined) return;
      state.downloads[counted] = (state.downloads[counted] ?? 0) + 1;
      save();
    });
    router.get("/", (ctx) => {
      const rows = state.repositories.map(
        ({ name, format, type, online }) => [name, `${format} ${type}, ${online ? "online" : "offline"}`] as const,
      );
      const counts = Object.entries(state.downloads).map(([file, times]) => [file, `${times} downloads`] as const);
      ctx.type = "html";
      ctx.body = fakePage("Nexus Repository", "Repositories", [...rows, ...counts]);
    });
  });
  return { ...fake, downloads: () => state.downloads };
}

const GREETING = {
  "index.js": `exports.greet = function greet(name) {\n  return \`Hello, \${name}.\`;\n};\n`,
  "index.d.ts": "/** A greeting for this name. */\nexport function greet(name: string): string;\n",
  "README.md": "# @lab/greeting\n\n`greet(name)` answers a greeting. Served by the lab.\n",
};

/** The npm registry: documents and tarballs. Answers the name of the tarball that was sent, if one was. */
function serveNpm(
  ctx: Koa.Context,
  packages: readonly NpmPackage[],
  repository: Repository,
  path: string,
): string | undefined {
  const base = `${originOf(ctx)}/repository/${repository.name}`;
  const asked = packages.find(({ name }) => path === name);
  if (asked) {
    ctx.body = asked.document(base);
    return undefined;
  }
  const sent = packages.find(({ name, file }) => path === `${name}/-/${file}`);
  if (!sent) throw new Answer(404, { success: false, error: `Package '${path}' not found` });
  ctx.type = "application/x-tgz";
  ctx.body = sent.tarball;
  return `${sent.name}-${sent.version}.tgz`;
}

/** A Maven proxy of Maven Central. Answers the name of the jar that was sent, if one was. */
async function serveMaven(ctx: Koa.Context, folder: string, path: string): Promise<string | undefined> {
  ctx.body = await mavenFile(folder, path);
  ctx.type = "application/octet-stream";
  return path.endsWith(".jar") ? path.split("/").at(-1) : undefined;
}

function notFound(): never {
  throw new Answer(404, { message: "Not found" });
}

function allowed({ username, password }: NexusOptions, authorization: string): boolean {
  if (username === undefined) return true;
  return authorization === `Basic ${Buffer.from(`${username}:${password ?? ""}`).toString("base64")}`;
}

function repositoryOf(state: State, name: string | undefined): Repository {
  const found = state.repositories.find((one) => one.name === name);
  if (!found) throw new Answer(404, { message: "Repository not found" });
  return found;
}

function shown(ctx: Koa.Context, { name, format, type, online }: Repository): object {
  return { name, format, type, online, url: `${originOf(ctx)}/repository/${name}`, size: 0, attributes: {} };
}
