#!/usr/bin/env python3
"""A client of Kilogram's line door, and what it is for: a cache beside a slow source, and a rate
limiter. Standard library only.

    kg serve --line 127.0.0.1:8765
    python3 examples/kilogram.py 127.0.0.1:8765    # or unix:/run/kg.sock
"""

import base64
import socket
import sys


class Kilogram:
    """One connection; give each thread its own."""

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

    def get(self, key):
        """The value as bytes, or None."""
        return self._value(self._ask(f"GET {key}"))

    def set(self, key, value, ttl_ms=None):
        """Stores bytes, in place of what was there."""
        encoded = base64.b64encode(value).decode() or "-"
        self._ask(f"SETB64 {key} {encoded}" + (f" {ttl_ms}" if ttl_ms else ""))

    def delete(self, key):
        """Whether there was such a key."""
        return self._ask(f"DELETE {key}") == "OK"

    def add(self, key, delta=1, ttl_ms=None):
        """The sum. The time to live counts only if this makes the key."""
        reply = self._ask(f"ADD {key} {delta}" + (f" {ttl_ms}" if ttl_ms else ""))
        return int(self._value(reply))

    def _ask(self, line):
        self._socket.sendall(line.encode() + b"\n")
        reply = self._replies.readline()
        if not reply.endswith(b"\n"):
            raise ConnectionError("the server closed the connection")
        text = reply.decode().rstrip("\n")
        if text.startswith("ERROR "):
            raise ValueError(text)
        return text

    @staticmethod
    def _value(reply):
        return None if reply == "NOT_FOUND" else base64.b64decode(reply[len("VALUE "):])


def user_name(kg, user):
    """Cache-aside: what is not in the cache is loaded, and kept for a minute."""
    key = f"user:{user}"
    name = kg.get(key)
    if name is not None:
        return f"{name.decode()} (cached)"
    name = b"Ada"  # A query of the database.
    kg.set(key, name, ttl_ms=60_000)
    return f"{name.decode()} (loaded)"


def is_allowed(kg, client, limit):
    """At most so many requests in ten seconds, counted from the first."""
    return kg.add(f"limit:{client}", 1, ttl_ms=10_000) <= limit


def main():
    kg = Kilogram(sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:8765")
    kg.delete("user:7")
    kg.delete("limit:10.0.0.7")
    for _ in range(2):
        print("user 7:", user_name(kg, 7))
    for request in range(1, 4):
        print(f"request {request}:", "allowed" if is_allowed(kg, "10.0.0.7", 2) else "refused")


if __name__ == "__main__":
    main()
