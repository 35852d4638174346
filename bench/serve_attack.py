#!/usr/bin/env python3
"""Attacks `zhiyin serve` with many clients, one way after the other, while an honest client goes on asking.

usage: bench/serve_attack.py --zhiyin=build/release/zhiyin --checkpoint=DIR [--clients=200] [--seconds=60] [--only=NAME]

Prints for each attack the server's resident memory before, at its most and afterwards, the honest client's requests, how
many of them failed, and the longest that one took. Exit code 1 where memory grew by more than 64 MB or an honest request
failed or took longer than a second. Needs python3 alone.
"""
import argparse
import http.client
import multiprocessing
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time

TOKEN = "secret"
CHUNKED = b"POST /v1/score HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
KEY = b"Authorization: Bearer " + TOKEN.encode() + b"\r\n"
WITH_TOKEN = b"POST /v1/score HTTP/1.1\r\n" + KEY + b"Transfer-Encoding: chunked\r\n\r\n"
MB = b"a" * (1 << 20)


def flood(begin, again, n_max=300):
    """Sends `begin`, then `again` until the server closes."""
    def attack(connection):
        connection.sendall(begin)
        for _ in range(n_max):
            connection.sendall(again)
    return attack


def trickle(begin):
    """Sends `begin`, then a byte every two seconds."""
    def attack(connection):
        connection.sendall(begin)
        while True:
            time.sleep(2)
            connection.sendall(b"a")
    return attack


def hold(begin):
    """Sends `begin` and waits for the server to close."""
    def attack(connection):
        connection.sendall(begin)
        while connection.recv(1 << 16):
            pass
    return attack


def pipeline(request):
    """Sends requests without reading an answer."""
    def attack(connection):
        while True:
            connection.sendall(request * 1000)
    return attack


ATTACKS = {
    "chunks": flood(CHUNKED, b"100000\r\n" + MB + b"\r\n"),
    "chunks_with_token": flood(WITH_TOKEN, b"100000\r\n" + MB + b"\r\n"),
    "small_chunks": flood(WITH_TOKEN, b"1\r\na\r\n" * 100000),
    "long_header": flood(b"GET / HTTP/1.1\r\nh: ", MB),
    "long_url": flood(b"GET /", MB),
    "long_chunk_line": flood(WITH_TOKEN + b"1;", MB),
    "long_trailer": flood(WITH_TOKEN + b"0\r\n", b"a: b\r\n" * 100000),
    "header_lines": flood(b"GET / HTTP/1.1\r\n", b"a: b\r\n" * 100000),
    "two_lengths": hold(b"POST /v1/score HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello"),
    "length_and_chunks": hold(b"POST /v1/score HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"),
    "ranges": hold(b"GET /metrics HTTP/1.1\r\n" + KEY + b"Range: bytes=" + b"0-1," * 3000 + b"0-1\r\n\r\n"),
    "pipelined": pipeline(b"GET /healthz HTTP/1.1\r\n\r\n"),
    "pipelined_posts": pipeline(b"POST /v1/score HTTP/1.1\r\n" + KEY + b"Content-Length: 2\r\n\r\n{}"),
    "slow_head": trickle(b"POST /v1/score HT"),
    "slow_body": trickle(b"POST /v1/score HTTP/1.1\r\n" + KEY + b"Content-Length: 1000000\r\n\r\n"),
    "full_bodies": trickle(b"POST /v1/score HTTP/1.1\r\n" + KEY + b"Content-Length: 1048576\r\n\r\n" + MB[:-1000]),
    "nested": hold(b"POST /v1/score HTTP/1.1\r\n" + KEY + b"Content-Length: 1000000\r\n\r\n" + b"[" * 1000000),
    "many_values": hold(b"POST /v1/score HTTP/1.1\r\n" + KEY + b"Content-Length: 1000000\r\n\r\n" + b"[" + b"{}," * 333333),
    "silent": hold(b""),
}


def attack_for(name, port, n_threads, seconds):
    """Runs `n_threads` clients, each of which comes again when it has lost its connection."""
    end = time.time() + seconds

    def one():
        while time.time() < end:
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=max(0.1, end - time.time())) as connection:
                    ATTACKS[name](connection)
            except OSError:
                time.sleep(0.01)

    threads = [threading.Thread(target=one, daemon=True) for _ in range(n_threads)]
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    os._exit(0)


def resident_mb(pid):
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(r"VmRSS:\s+(\d+)", status.read())[1]) / 1024


def ask(port):
    """Asks for health and for a score, over a connection of its own; whether both were answered."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        client.request("GET", "/healthz")
        health = client.getresponse()
        health.read()
        client.request("POST", "/v1/score", body='{"rows": [{}]}', headers={"Authorization": "Bearer " + TOKEN})
        score = client.getresponse()
        score.read()
        return health.status == 200 and score.status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        client.close()


def run(name, pid, port, n_clients, seconds):
    before = most = resident_mb(pid)
    n_processes = min(8, n_clients)
    processes = [multiprocessing.Process(target=attack_for, args=(name, port, n_clients // n_processes, seconds))
                 for _ in range(n_processes)]
    for process in processes:
        process.start()
    n = n_failed = 0
    longest = 0.0
    end = time.time() + seconds
    while time.time() < end:
        began = time.time()
        n_failed += not ask(port)
        longest = max(longest, time.time() - began)
        n += 1
        most = max(most, resident_mb(pid))
        time.sleep(0.02)
    for process in processes:
        process.join()
    time.sleep(1)
    after = resident_mb(pid)
    is_right = n_failed == 0 and longest <= 1 and most - before <= 64 and after - before <= 64
    print(f"{name:20} {before:8.1f} {most:8.1f} {after:8.1f} {n:8d} {n_failed:7d} {longest:9.3f}  {'' if is_right else 'WRONG'}",
          flush=True)
    return is_right


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--zhiyin", required=True)
    parser.add_argument("--checkpoint", required=True)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--only", choices=sorted(ATTACKS))
    options = parser.parse_args()
    with tempfile.NamedTemporaryFile("w", suffix=".token") as token:
        token.write(TOKEN)
        token.flush()
        server = subprocess.Popen([options.zhiyin, "serve", "--checkpoint=" + options.checkpoint, "--listen=127.0.0.1:0",
                                   "--token_file=" + token.name], stdout=subprocess.PIPE, text=True)
        try:
            line = server.stdout.readline()
            port = int(re.search(r"http://127\.0\.0\.1:(\d+)", line)[1])
            for _ in range(200):
                ask(port)
            print(f"{'attack':20} {'MB before':>8} {'most':>8} {'after':>8} {'asked':>8} {'failed':>7} {'longest s':>9}")
            results = [run(name, server.pid, port, options.clients, options.seconds)
                       for name in ([options.only] if options.only else ATTACKS)]
        finally:
            server.terminate()
            server.wait()
    sys.exit(0 if all(results) and server.returncode == 0 else 1)


if __name__ == "__main__":
    main()
