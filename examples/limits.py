#!/usr/bin/env python3
"""A rate limiter and a lock over Kilogram's line door, to copy into a project: each is a command or
two, carried out at once, without a script. Standard library only.

    kg serve --line 127.0.0.1:8765
    python3 examples/limits.py 127.0.0.1:8765    # or unix:/run/kg.sock
"""

import base64
import secrets
import socket
import sys


class Line:
    """One connection to the line door; give each thread its own. A request has a second; after one
    that failed by OSError make a new connection, since its reply may still come."""

    def __init__(self, place, timeout=1.0):
        if place.startswith("unix:"):
            self._socket = socket.socket(socket.AF_UNIX)
            self._socket.settimeout(timeout)
            self._socket.connect(place[len("unix:"):])
        else:
            host, port = place.rsplit(":", 1)
            self._socket = socket.create_connection((host, int(port)), timeout)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._replies = self._socket.makefile("rb")

    def ask(self, *words):
        # A word with a blank would be two, and one with a newline another command.
        if any(word == "" or any(c <= " " for c in word) for word in words):
            raise ValueError("names are not empty, without blanks and control characters")
        line = " ".join(words)
        self._socket.sendall(line.encode() + b"\n")
        reply = self._replies.readline()
        if not reply.endswith(b"\n"):
            raise ConnectionError("the server closed the connection")
        text = reply.decode().rstrip("\n")
        if text.startswith("ERROR "):
            raise ValueError(text)
        return text


class Limiter:
    """At most so many requests in a window, which begins with the first of them."""

    def __init__(self, line, limit, window_ms, prefix="limit:"):
        self._line, self._limit = line, limit
        self._window_ms, self._prefix = window_ms, prefix

    def hit(self, name):
        """Counts a request. Returns how many are left; below 0 it is one too many."""
        reply = self._line.ask("ADD", self._prefix + name, "1", str(self._window_ms))
        return self._limit - int(base64.b64decode(reply[len("VALUE "):]))


class Lock:
    """A lock that its holder alone gives back, and that ends by itself after some time."""

    def __init__(self, line, name, ttl_ms, prefix="lock:"):
        self._line, self._key, self._ttl_ms = line, prefix + name, str(ttl_ms)
        # Nobody else has it, so nobody else gives the lock back.
        self._token = base64.b64encode(secrets.token_bytes(16)).decode()

    def acquire(self):
        """Whether it is ours now."""
        return self._line.ask("NEWB64", self._key, self._token, self._ttl_ms) == "OK"

    def renew(self):
        """Whether it is still ours, for as long again."""
        return self._line.ask("SETIF", self._key, self._token, self._token, self._ttl_ms) == "OK"

    def release(self):
        """Whether it was still ours."""
        return self._line.ask("DELETEIF", self._key, self._token) == "OK"


def main():
    line = Line(sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:8765")
    line.ask("DROP", "limit:")
    line.ask("DROP", "lock:")
    limiter = Limiter(line, limit=2, window_ms=10_000)
    for request in range(1, 4):
        print(f"request {request}:", "allowed" if limiter.hit("10.0.0.7") >= 0 else "refused")
    mine, theirs = Lock(line, "report", 10_000), Lock(line, "report", 10_000)
    print("acquire:", mine.acquire(), theirs.acquire())
    print("release what is another's:", theirs.release())
    print("renew, release, acquire:", mine.renew(), mine.release(), theirs.acquire())


if __name__ == "__main__":
    main()
