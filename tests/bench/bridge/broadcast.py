"""broadcast.py PORT: lines of stdin to every WebSocket, as one writes it with FastAPI."""

import asyncio
import contextlib
import sys

import fastapi
import uvicorn

clients = set()


async def broadcast():
    reader = asyncio.StreamReader(limit=1 << 20)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async for line in reader:
        text = line.decode().rstrip("\n")
        for client in list(clients):
            with contextlib.suppress(RuntimeError, fastapi.WebSocketDisconnect):
                await client.send_text(text)


app = fastapi.FastAPI()


@app.on_event("startup")
async def start():
    app.state.task = asyncio.create_task(broadcast())


@app.websocket("/")
async def serve(client: fastapi.WebSocket):
    await client.accept()
    clients.add(client)
    with contextlib.suppress(fastapi.WebSocketDisconnect):
        while True:
            await client.receive_text()
    clients.discard(client)


uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="error", backlog=4096, ws_per_message_deflate=False)
