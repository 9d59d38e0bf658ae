"""Chromium without a window. As a program it stands where the network of a test is, and says what pages see there:

    browser.py BRIDGE_PORT PATH SOCKET NAME:PORT…

serves one page as http://NAME:PORT for each NAME, opens it, and writes {NAME: what it saw} as JSON: what fetch() gave of
PATH, and the first messages of SOCKET, opened as the older front end opens its own.
"""

import functools
import http.server
import json
import os
import pathlib
import shutil
import sys
import tempfile
import threading
import time

ARGUMENTS = ("--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
             "--disable-component-update --disable-sync --disable-dev-shm-usage").split()
PAGE = """<!doctype html><title>front end</title><p id="state">disconnected</p><script>
const seen = {types: []};
fetch("http://" + HOST + PATH).then((answer) => answer.json()).then((body) => { seen.body = body; }, (error) => { seen.refused = String(error); });
const socket = new WebSocket("ws://" + HOST + SOCKET);
const state = document.getElementById("state");
socket.onopen = () => { state.textContent = "connected"; };
socket.onclose = () => { seen.closed = true; state.textContent = "disconnected"; };
socket.onmessage = (event) => {
  const data = JSON.parse(event.data);
  seen.types.push(data.type);
  switch (data.type) {
    case "welcome": seen.welcome = data.message; socket.send("ping"); break;
    case "pong": seen.pong = data.timestamp; break;
    case "heartbeat": seen.heartbeat = data.server_time; break;
  }
};
</script>"""


def missing():
    """What a browser needs and is not there; empty: all is."""
    try:
        import selenium  # noqa: F401
    except ImportError:
        return "no selenium (apt-get install python3-selenium)"
    there = shutil.which("chromium") and shutil.which("chromedriver")
    return "" if there else "no chromium (apt-get install chromium chromium-driver)"


def open_browser(folder, *more):
    """A driver of Chromium, which keeps its profile in `folder`. The caller calls quit()."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for argument in [*ARGUMENTS, f"--user-data-dir={folder}", *more]:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = Service(shutil.which("chromedriver"), env=os.environ | {"HOME": str(folder)})  # where it keeps caches
    return webdriver.Chrome(service=service, options=options)


def serve(port, page):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def look(driver, url, seconds=15):
    """What the page has seen, once it has an answer of either kind from both."""
    driver.get(url)
    end = time.monotonic() + seconds
    while True:
        seen = driver.execute_script("return {...seen, state: document.getElementById('state').textContent}")
        fetched = "body" in seen or "refused" in seen
        if (fetched and ("closed" in seen or "pong" in seen)) or time.monotonic() > end:
            return seen
        time.sleep(0.1)


def main(bridge_port, path, socket, *names):
    values = {"HOST": f"127.0.0.1:{bridge_port}", "PATH": path, "SOCKET": socket}
    page = functools.reduce(lambda text, name: text.replace(f" {name}", f" {json.dumps(values[name])}"), values, PAGE)
    rules = ",".join(f"MAP {name.split(':')[0]} 127.0.0.1" for name in names)
    with tempfile.TemporaryDirectory(prefix="wireline-browser-") as folder:
        driver = open_browser(pathlib.Path(folder), f"--host-resolver-rules={rules}")
        try:
            found = {}
            for name in names:
                serve(int(name.split(":")[1]), page.encode())
                found[name] = look(driver, f"http://{name}/")
        finally:
            driver.quit()
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
