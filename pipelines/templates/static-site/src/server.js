// Serves the files of one folder, and the two probes that Kubernetes asks.

import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join } from "node:path";

const TYPES = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".ico": "image/x-icon",
  ".jpg": "image/jpeg",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
  ".woff2": "font/woff2",
};

/** Every file of the folder by its address: nothing else can be asked for. */
export function readSite(folder) {
  const pages = new Map();
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    const address = `/${file.slice(join(folder, "/").length).replaceAll("\\", "/")}`;
    const page = { type: TYPES[extname(file)] ?? "application/octet-stream", body: readFileSync(file) };
    pages.set(address, page);
    if (entry.name === "index.html") pages.set(address.slice(0, -"index.html".length), page);
  }
  return pages;
}

/** Answers one request; pure, so that tests need no port. */
export function answer(pages, method, path) {
  const text = (status, body) => ({ status, type: TYPES[".txt"], body });
  if (method !== "GET" && method !== "HEAD") return text(405, "only GET is answered here\n");
  if (path === "/livez" || path === "/readyz") return text(200, "ok\n");
  const page = pages.get(path);
  return page ? { status: 200, ...page } : text(404, "there is no such page\n");
}

export function startServer(folder, port) {
  const pages = readSite(folder);
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    const { status, type, body } = answer(pages, request.method, pathname);
    response.writeHead(status, { "content-type": type });
    response.end(request.method === "HEAD" ? undefined : body);
  });
  return server.listen(port);
}
