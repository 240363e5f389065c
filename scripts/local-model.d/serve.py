"""Serves a GGUF model by llama.cpp's HTTP server, on the loopback interface only. SIGTERM and SIGINT end it."""

import argparse
import json
import os
import pathlib
import signal
import time
import urllib.request

import xllamacpp


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=pathlib.Path, required=True)
    parser.add_argument("--name", default="local", help="of the model, for those who ask")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--key-file", type=pathlib.Path, required=True, help="without one, any web page could use the server")
    parser.add_argument("--context", type=int, required=True, help="tokens")
    parser.add_argument("--threads", type=int, default=0, help="0: one less than there are processors")
    parser.add_argument("--url-file", type=pathlib.Path, required=True, help="gets the server's URL when it listens")
    parser.add_argument("--idle-file", type=pathlib.Path, required=True, help="minutes without a request after which it ends; 0: never")
    given = parser.parse_args()

    for end in (signal.SIGTERM, signal.SIGINT):
        signal.signal(end, lambda *_: os._exit(0))
    key = given.key_file.read_text().strip()
    server = xllamacpp.Server(settings(given, key))
    unfinished = given.url_file.with_suffix(".new")
    unfinished.write_text(server.listening_address)
    os.replace(unfinished, given.url_file)
    wait_until_idle(server.listening_address, key, given.idle_file)
    os._exit(0)  # the server's own threads do not end by themselves


def settings(given: argparse.Namespace, key: str) -> xllamacpp.CommonParams:
    p = xllamacpp.CommonParams()
    p.model.path = str(given.model)
    p.model_alias = {given.name}
    p.hostnames = ["127.0.0.1"]
    p.port = given.port
    p.api_keys = [key]
    p.n_ctx = given.context
    p.n_parallel = 1  # two at once take as long as one after the other, and twice the memory
    p.n_predict = 2048  # for requests that set no limit
    # The threads wait for each other after every step, so with one on every processor, whatever else runs there stops them all: on two
    # busy processors two threads were measured to write twenty times slower than one.
    p.cpuparams.n_threads = p.cpuparams_batch.n_threads = given.threads or max(1, len(os.sched_getaffinity(0)) - 1)
    p.cache_ram_mib = 256
    p.offline = True
    p.ui = False
    return p


def wait_until_idle(address: str, key: str, idle_file: pathlib.Path) -> None:
    """Returns when no slot has worked, nor begun anything, for as long as the file says, and the file was not touched either; and when
    the file is gone, for then nobody could find the server to stop it."""
    last, since = None, time.monotonic()
    while True:
        try:
            allowed, touched = int(idle_file.read_text()) * 60, idle_file.stat().st_mtime_ns
        except FileNotFoundError:
            return
        now = slots(address, key), touched
        if now != last or now[0] is None or any(busy for _, busy in now[0]):
            last, since = now, time.monotonic()
        if allowed and time.monotonic() - since > allowed:
            return
        time.sleep(15)


def slots(address: str, key: str) -> list | None:
    request = urllib.request.Request(f"{address}/slots", headers={"Authorization": f"Bearer {key}"})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # loopback never goes through a proxy
    try:
        with opener.open(request, timeout=60) as answer:
            return [(slot.get("id_task"), slot["is_processing"]) for slot in json.load(answer)]
    except OSError:
        return None  # too busy to answer


main()
