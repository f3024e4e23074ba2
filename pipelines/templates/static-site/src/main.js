// Starts the site and ends it politely: on SIGTERM what is being answered is answered.

import { fileURLToPath } from "node:url";
import { startServer } from "./server.js";

const site = fileURLToPath(new URL("../site/", import.meta.url));
const server = startServer(site, Number(process.env.PORT ?? 8080));
process.on("SIGTERM", () => server.close());
