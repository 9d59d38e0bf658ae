// node client.cjs PORT JOB…: a client of a bridge on the `ws` package and Node's fetch; writes what it saw as one JSON.
const WebSocket = require("ws");
const [port, job, ...rest] = process.argv.slice(2);
const url = (path) => `ws://127.0.0.1:${port}${path}`;

function open(path, options = {}) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url(path), options);
    socket.inbox = [];
    socket.on("message", (data, isBinary) => socket.inbox.push({ text: data.toString(), isBinary }));
    socket.ended = new Promise((done) => socket.on("close", (code, reason) => done({ code, reason: reason.toString() })));
    socket.on("open", () => resolve(socket));
    socket.on("error", reject);
  });
}

async function until(condition) {
  while (!condition()) await new Promise((done) => setTimeout(done, 5));
}

const jobs = {
  // The numbers of COUNT records, with the terms of permessage-deflate that OPTIONS ask for.
  async records(path, count, options) {
    const socket = await open(path, { perMessageDeflate: JSON.parse(options) });
    console.error("open");
    await until(() => socket.inbox.length >= Number(count));
    socket.close(1000);
    await socket.ended;
    return { extensions: socket.extensions, numbers: socket.inbox.map((message) => JSON.parse(message.text).n) };
  },
  // Everything that a client may do to a socket that is bound to an echo.
  async echo(path) {
    const socket = await open(path, { perMessageDeflate: { threshold: 0 } });
    const texts = ["", "x", "ü€𝄞", "y".repeat(70000), JSON.stringify({ deep: [[{}]] })];
    for (const text of texts) socket.send(text);
    socket.send("in ", { fin: false });
    socket.send("three ", { fin: false });
    socket.send("pieces", { fin: true });
    const pong = new Promise((done) => socket.on("pong", (data) => done(data.toString())));
    socket.ping("between");
    await until(() => socket.inbox.length > texts.length);
    socket.close(4321, "enough");
    return { sent: [...texts, "in three pieces"], got: socket.inbox.map((message) => message.text), pong: await pong, ended: await socket.ended };
  },
  // How a handshake ends that cannot be granted.
  async refusals(...paths) {
    const statuses = [];
    for (const path of paths) {
      const socket = new WebSocket(url(path));
      statuses.push(await new Promise((done) => {
        socket.on("unexpected-response", (_, answer) => done(answer.statusCode));
        socket.on("open", () => done("open"));
        socket.on("error", (error) => done(error.message));
      }));
      socket.terminate();
    }
    return statuses;
  },
  // What REST gives: status, ETag and body; then 304 for it; and the first COUNT lines of a stream that goes on.
  async rest(path, stream, count) {
    const first = await fetch(`http://127.0.0.1:${port}${path}`);
    const etag = first.headers.get("etag");
    const again = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { "If-None-Match": etag } });
    const flow = await fetch(`http://127.0.0.1:${port}${stream}`);
    let text = "";
    for await (const piece of flow.body) {
      text += Buffer.from(piece).toString();
      if (text.split("\n").length > Number(count)) break;
    }
    const lines = text.split("\n").slice(0, Number(count));
    return { status: first.status, body: await first.json(), again: again.status, lines: lines.map((line) => JSON.parse(line)) };
  },
};

jobs[job](...rest).then((seen) => {
  process.stdout.write(JSON.stringify(seen), () => process.exit(0));
}, (error) => {
  console.error(error);
  process.exit(1);
});
