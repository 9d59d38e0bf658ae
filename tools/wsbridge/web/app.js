// The built-in page: the streams, and the records of one of them as they come.
const kRows = 60; // records in the table
const kColumns = 12;
const kBars = 15;
const kDraw = 200; // ms between two pictures
const kSlowest = 30_000; // ms between two attempts to connect

const $ = (id) => document.getElementById(id);
const body = (section) => $(section).querySelector("tbody");

let stream = null; // the name of what is shown
let socket = null;
let attempt = 0;
let retry = 0;
let paused = false;
let seen = 0;
let missed = 0;
let rows = []; // newest first: {number, record}
let chosen = null; // the row whose JSON is shown; null: the newest
let drawing = false;

function element(tag, text, attributes = {}) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

// ---- the server

async function ask(path, options = {}) {
  const token = sessionStorage.getItem("token");
  const headers = { ...(token && { Authorization: `Bearer ${token}` }), ...options.headers };
  const answer = await fetch(path, { ...options, headers });
  if (answer.status === 401 && !path.endsWith("/login")) {
    sessionStorage.removeItem("token");
    showLogin();
  }
  const json = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(json.detail || json.title || `status ${answer.status}`);
  return json;
}

function post(path, value = {}) {
  return ask(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(value) });
}

function showLogin() {
  disconnect();
  $("view").hidden = true;
  $("logout").hidden = true;
  $("login").hidden = false;
  $("login").elements.email.focus();
}

$("login").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = $("login");
  const problem = form.querySelector(".problem");
  problem.textContent = "";
  try {
    const { access_token } = await post("/api/auth/login", Object.fromEntries(new FormData(form)));
    sessionStorage.setItem("token", access_token);
    form.reset();
    form.hidden = true;
    start();
  } catch (error) {
    problem.textContent = error.message;
  }
});

$("logout").addEventListener("click", async () => {
  await post("/api/auth/logout").catch(() => {});
  sessionStorage.removeItem("token");
  location.reload();
});

// ---- the streams

async function listStreams() {
  const streams = await ask("/streams");
  $("no-streams").hidden = streams.length > 0;
  $("streams").replaceChildren(
    ...streams.map(({ name, state, records }) => {
      const button = element("button", name, { type: "button", title: `${state}, ${records.toLocaleString()} records` });
      if (name === stream) button.setAttribute("aria-current", "true");
      button.append(element("span", state, { class: "quiet" }));
      button.addEventListener("click", () => show(name));
      const item = element("li");
      item.append(button);
      return item;
    }),
  );
  return streams;
}

async function start() {
  try {
    const streams = await listStreams();
    $("logout").hidden = !sessionStorage.getItem("token");
    const wanted = decodeURIComponent(location.hash.slice(1));
    const first = streams.find(({ name }) => name === wanted) ?? streams[0];
    if (first) show(first.name);
  } catch {
    if ($("login").hidden) setTimeout(start, 2000);
  }
}

function show(name) {
  disconnect();
  stream = name;
  attempt = seen = missed = 0;
  rows = [];
  chosen = null;
  location.hash = encodeURIComponent(name);
  for (const button of $("streams").querySelectorAll("button")) {
    if (button.firstChild.textContent === name) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  }
  $("stream-name").textContent = name;
  $("shell").textContent = `curl -sN ${location.origin}/streams/${encodeURIComponent(name)}`;
  $("view").hidden = false;
  draw();
  connect();
}

// ---- the connection

function state(text) {
  $("connection").dataset.state = text;
  $("connection").textContent = text;
}

function disconnect() {
  clearTimeout(retry);
  const old = socket;
  socket = null;
  old?.close();
  state("disconnected");
}

async function connect() {
  const name = stream;
  let query = "";
  try {
    if (sessionStorage.getItem("token")) query = `?ticket=${(await post("/api/auth/ticket")).ticket}`;
  } catch {
    if ($("login").hidden) again();
    return;
  }
  if (stream !== name || socket) return;
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const mine = new WebSocket(`${scheme}//${location.host}/ws/${encodeURIComponent(name)}${query}`);
  socket = mine;
  mine.onopen = () => {
    attempt = 0;
    state("connected");
    listStreams().catch(() => {});
  };
  mine.onmessage = ({ data }) => socket === mine && take(data);
  mine.onclose = () => {
    if (socket !== mine) return;
    socket = null;
    state("disconnected");
    again();
  };
}

/** Tries again after 1 s, 2 s, 4 s, … with jitter, so that a restarted server is not met by all at once. */
function again() {
  const wait = Math.min(kSlowest, 1000 * 2 ** attempt++) * (0.5 + Math.random() / 2);
  clearTimeout(retry);
  retry = setTimeout(connect, wait);
}

function take(text) {
  let record;
  try {
    record = JSON.parse(text);
  } catch {
    record = { type: "line", text };
  }
  if (record.type === "gap") {
    missed += record.to - record.from + 1;
  } else {
    seen += 1;
    if (!paused) {
      rows.unshift({ number: seen, record });
      rows.length = Math.min(rows.length, kRows);
    }
  }
  if (!drawing) {
    drawing = true;
    setTimeout(() => {
      drawing = false;
      draw();
    }, kDraw);
  }
}

// ---- what is seen

function bytes(count) {
  if (count === undefined) return "";
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  for (; count >= 1000 && unit < units.length - 1; unit += 1) count /= 1000;
  return `${count >= 100 || unit === 0 ? Math.round(count) : count.toFixed(1)} ${units[unit]}`;
}

function plain(value) {
  if (value === undefined) return "";
  if (Array.isArray(value)) return value.some((item) => typeof item === "object") ? `${value.length} …` : value.join(", ");
  return typeof value === "object" && value !== null ? "{…}" : String(value);
}

/** Whoever points at the table, or has the focus in it, wants it to stand still. */
function held() {
  return $("newest").matches(":hover, :focus-within");
}

function draw() {
  const stands = paused ? ", paused" : held() ? ", the table stands still while you are in it" : "";
  $("counts").textContent = `${seen.toLocaleString()} records${stands}`;
  $("gap").hidden = missed === 0;
  $("gap").textContent = `${missed.toLocaleString()} records were left out: this browser was too slow for them.`;
  drawBars(rows[0]?.record);
  if (!held()) drawTable();
  const row = chosen ?? rows[0];
  $("one").textContent = row ? JSON.stringify(row.record, null, 2) : "no record yet";
}

function drawTable() {
  const keys = [...new Set(rows.flatMap(({ record }) => Object.keys(record)))].slice(0, kColumns);
  const head = element("tr");
  head.append(element("th", "record", { scope: "col" }), ...keys.map((key) => element("th", key, { scope: "col" })));
  $("newest").querySelector("thead").replaceChildren(head);
  body("newest").replaceChildren(
    ...rows.map((row) => {
      const line = element("tr", undefined, { "aria-selected": String(row === chosen) });
      const number = element("td");
      number.append(element("button", row.number, { type: "button", "aria-label": `Show record ${row.number}` }));
      line.append(number);
      for (const key of keys) {
        const value = row.record[key];
        line.append(element("td", plain(value), typeof value === "number" ? { class: "number" } : {}));
      }
      line.addEventListener("click", () => {
        chosen = chosen === row ? null : row;
        for (const other of line.parentNode.children) other.setAttribute("aria-selected", String(other === line && chosen === row));
        draw();
      });
      return line;
    }),
  );
}

/** A `windows` record: one bar for each of its keys. */
function drawBars(record) {
  const windows = record?.type === "windows" && Array.isArray(record.windows) ? record.windows : null;
  $("bars").hidden = !windows;
  if (!windows) return;
  const largest = Math.max(1, ...windows.map((window) => window.bytes));
  const key = Object.keys(windows[0] ?? { client: 0 })[0];
  $("bars-key").textContent = key;
  const title = `${record.ts?.slice(11, 19)} to ${record.until?.slice(11, 19)} UTC: ${windows.length} × ${key}, ${bytes(record.bytes)}`;
  $("bars-title").textContent = title;
  body("bars").replaceChildren(
    ...windows.slice(0, kBars).map((window) => {
      const line = element("tr");
      const picture = element("td");
      picture.append(bar(window, largest));
      line.append(element("th", plain(window[key]), { scope: "row" }), picture);
      for (const part of ["in_bytes", "out_bytes", "bytes"]) {
        line.append(element("td", bytes(window[part]), { class: "number" }));
      }
      return line;
    }),
  );
}

function bar(window, largest) {
  const space = "http://www.w3.org/2000/svg";
  const picture = document.createElementNS(space, "svg");
  picture.setAttribute("viewBox", "0 0 1000 10");
  picture.setAttribute("preserveAspectRatio", "none");
  picture.setAttribute("aria-hidden", "true"); // the numbers stand beside it
  const parts = window.in_bytes === undefined ? [["all", window.bytes]] : [["in", window.in_bytes], ["out", window.out_bytes ?? 0]];
  let x = 0;
  for (const [name, size] of parts) {
    const width = (1000 * size) / largest;
    const part = document.createElementNS(space, "rect");
    for (const [attribute, value] of Object.entries({ class: name, x, y: 0, width, height: 10 })) part.setAttribute(attribute, value);
    picture.append(part);
    x += width;
  }
  return picture;
}

$("pause").addEventListener("click", () => {
  paused = !paused;
  $("pause").setAttribute("aria-pressed", String(paused));
  draw();
});
setInterval(() => socket && listStreams().catch(() => {}), 10_000);
start();
