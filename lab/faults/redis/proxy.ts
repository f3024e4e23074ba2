// A TCP proxy between two processes of a test, which can be cut. Bytes are then lost silently, as with an unplugged cable.
// (Stopping a process is different: the kernel keeps what was sent and delivers it later.)

import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

export type Line = {
  readonly host: "127.0.0.1";
  readonly port: number;
  /** From now on all bytes are lost silently, also those under way. */
  readonly cut: () => void;
  /** Closes the connections that were cut; new ones work again. */
  readonly mend: () => void;
  /** Requests still arrive; at the first answer all connections break, and the answer is lost. */
  readonly loseAnswer: () => void;
  /** Forwards to another port from now on, and closes all connections. */
  readonly turn: (port: number) => void;
  readonly dispose: () => Promise<void>;
};

export async function startProxy(to: number): Promise<Line> {
  let target = to;
  let isCut = false;
  const sockets = new Set<Socket>();
  let losesAnswer = false;
  const join = (from: Socket, into: Socket, isAnswer: boolean): void => {
    sockets.add(from);
    from.on("data", (bytes) => {
      if (isAnswer && losesAnswer) {
        losesAnswer = false;
        closeAll();
      } else if (!isCut) into.write(bytes);
    });
    from.on("error", () => into.destroy());
    from.on("close", () => {
      sockets.delete(from);
      into.destroy();
    });
  };
  const server = createServer((client) => {
    const upstream = connect(target, "127.0.0.1");
    join(client, upstream, false);
    join(upstream, client, true);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const closeAll = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    host: "127.0.0.1",
    port: address.port,
    cut: () => {
      isCut = true;
    },
    mend: () => {
      isCut = false;
      closeAll();
    },
    loseAnswer: () => {
      losesAnswer = true;
    },
    turn: (port) => {
      target = port;
      closeAll();
    },
    dispose: async () => {
      closeAll();
      server.close();
      await once(server, "close");
    },
  };
}
