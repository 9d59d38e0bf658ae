// node broadcast.mjs PORT: lines of stdin to every WebSocket, as one writes it with the `ws` package.
import { createInterface } from "node:readline";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(pathToFileURL(`${process.env.WS_MODULES}/`));
const { WebSocketServer, WebSocket } = require("ws");

const server = new WebSocketServer({ port: Number(process.argv[2]), host: "127.0.0.1", backlog: 4096 });
server.on("listening", () => console.error("listening"));
server.on("connection", (socket) => socket.on("error", () => socket.terminate()));

createInterface({ input: process.stdin }).on("line", (line) => {
  for (const client of server.clients) {
    if (client.readyState === WebSocket.OPEN) client.send(line);
  }
});
