// A system that restarts behind a proxy: everything that is answered at its address meanwhile.

import { createServer, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, createServer as createNetServer, type Server } from "node:net";
import { selfSigned } from "@gantry/lab/fakes/certificate.ts";

export type RestartingSystem = {
  /** What a restart is answered with, by a name for people. */
  readonly urls: { readonly [answer: string]: string };
  readonly close: () => Promise<void>;
};

const PAGE = "<!doctype html>\n<html><body><h1>We are back in a minute</h1></body></html>\n";

type Send = (response: ServerResponse) => void;
const send =
  (status: number, type: string | undefined, body: string, headers: Record<string, string> = {}): Send =>
  (response) => {
    response.writeHead(status, { ...headers, ...(type === undefined ? {} : { "content-type": type }) }).end(body);
  };
const json = (status: number, body: unknown): Send => send(status, "application/json", JSON.stringify(body));
const page = (status: number): Send => send(status, "text/html; charset=utf-8", PAGE);
const redirect = (status: number, location: string): Send => send(status, undefined, "", { location });

/** Answers over HTTP. Each was seen of a proxy, a load balancer, or one of the systems. */
const ANSWERS: { readonly [answer: string]: Send } = {
  "503 as JSON": json(503, { message: "starting" }),
  "503 as a page": page(503),
  "502 as text": send(502, "text/plain", "no healthy upstream"),
  "500 without a body": send(500, undefined, ""),
  "429 with Retry-After": send(429, "text/plain", "slow down", { "retry-after": "2" }),
  "404 as a page": page(404),
  "404 as text": send(404, "text/plain; charset=utf-8", "default backend - 404"),
  "404 without a body": send(404, undefined, ""),
  "401 as JSON": json(401, { message: "no" }),
  "401 as a page": page(401),
  "401 with a login": send(401, "text/html", PAGE, { "www-authenticate": 'Basic realm="proxy"' }),
  "403 as JSON": json(403, { message: "no" }),
  "403 as a page": page(403),
  "400 as a page": page(400),
  "405 as a page": page(405),
  "200 as a page": page(200),
  "200 as a page without its type": send(200, undefined, PAGE),
  "200 as a text": send(200, "text/plain", "OK"),
  "200 without a body": send(200, undefined, ""),
  "204": send(204, undefined, ""),
  "JSON that ends too early": send(200, "application/json", '{"items": [{"na'),
  "a redirect to a login": redirect(302, "https://login.example/start"),
  "a redirect that keeps the method": redirect(307, "/login"),
  "a lost connection": (response) => void response.destroy(),
  "a connection lost in the body": (response) => {
    response.writeHead(200, { "content-type": "application/json", "content-length": "1000" });
    response.write('{"items": [', () => response.destroy());
  },
};

export async function startRestarting(): Promise<RestartingSystem> {
  const servers: Server[] = [];
  const listen = async (server: Server): Promise<string> => {
    servers.push(server);
    await new Promise<void>((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
  const urls: Record<string, string> = {};
  for (const [name, answer] of Object.entries(ANSWERS)) {
    const server = createServer((request, response) => {
      request.resume().on("end", () => answer(response));
    });
    urls[name] = `http://${await listen(server)}`;
  }
  const own = createTlsServer(selfSigned(["proxy"]), (request, response) => {
    request.resume().on("end", () => page(404)(response));
  });
  urls["another certificate"] = `https://${await listen(own)}`;
  urls["no TLS"] = `https://${await listen(createServer((_, response) => page(503)(response)))}`;
  urls["a lost TLS handshake"] = `https://${await listen(createNetServer((socket) => void socket.destroy()))}`;
  urls["a refused TLS handshake"] = `https://${await listen(
    createNetServer((socket) => void socket.on("error", () => {}).end(Buffer.from("15030300020228", "hex"))),
  )}`;
  const gone = createNetServer();
  const nowhere = await listen(gone);
  await close(gone);
  urls["a refused connection"] = `http://${nowhere}`;
  urls["an unknown host"] = "http://gone.invalid";
  return {
    urls,
    close: async () => {
      await Promise.all(servers.filter((server) => server.listening).map(close));
    },
  };
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    if ("closeAllConnections" in server && typeof server.closeAllConnections === "function")
      server.closeAllConnections();
  });
}
