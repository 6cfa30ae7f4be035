"""Starts and stops a built aceso for the outside tests, and speaks plain HTTP to it.

Standard library only, and no code of the server: what these tests believe about it, they read from the wire.
"""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.parse

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SERVICE = "/default/fhir"
START_SECONDS_MAX = 30
STOP_SECONDS_MAX = 35


def binary():
    """The program under test: $ACESO, else the newest build in this checkout."""
    named = os.environ.get("ACESO")
    built = [os.path.join(ROOT, ".build", kind, "aceso") for kind in ("release", "debug")]
    found = [path for path in ([named] if named else built) if os.access(path, os.X_OK)]
    if not found:
        sys.exit("aceso is not built: run `make build`, or name the program in $ACESO")
    return max(found, key=os.path.getmtime)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """One server process on a port of the loopback address; `services` as `aceso serve --service` takes them, `options`
    as it takes others."""

    def __init__(self, data_dir, port=None, log=None, services=(), options=()):
        self.data_dir = data_dir
        self.port = port or free_port()
        self.log = log or data_dir + ".log"
        self.options = [option for service in services for option in ("--service", service)] + list(options)
        self.process = None

    @property
    def base(self):
        return f"http://127.0.0.1:{self.port}{SERVICE}"

    def start(self):
        """Starts it; returns the milliseconds until its health answers 200."""
        began = time.monotonic()
        with open(self.log, "ab") as log:
            # A store that the shell names is nobody's to test with.
            environment = {name: value for name, value in os.environ.items() if name != "ACESO_STORE"}
            self.process = subprocess.Popen(
                [binary(), "serve", "--data-dir", self.data_dir, "--host", "127.0.0.1", "--port", str(self.port),
                 *self.options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment)
        while True:
            try:
                if self.exchange("GET", "/health/check")[0] == 200:
                    return (time.monotonic() - began) * 1000
            except OSError:
                pass
            if self.process.poll() is not None:
                raise RuntimeError(f"aceso ended with {self.process.returncode} at its start; see {self.log}")
            if time.monotonic() - began > START_SECONDS_MAX:
                raise RuntimeError("aceso does not become ready")
            time.sleep(0.005)

    def kill(self):
        """As a crash does: no notice at all."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        """In good order; returns the exit code."""
        if self.process is None or self.process.poll() is not None:
            return None
        self.process.terminate()
        try:
            return self.process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.kill()
            return -1

    def exchange(self, method, path, body=None, headers=None, timeout=60):
        """One request on a connection of its own; returns status, headers, bytes."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            return exchange(connection, method, path, body, headers)
        finally:
            connection.close()


def exchange(connection, method, path, body=None, headers=None):
    """One request on an open connection; `path` from the server's root. Returns status, headers, bytes."""
    fields = {"Accept": "application/fhir+json"}
    if body is not None:
        fields["Content-Type"] = "application/fhir+json"
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
    fields.update(headers or {})
    connection.request(method, path, body=body, headers=fields)
    answer = connection.getresponse()
    return answer.status, answer.headers, answer.read()


def next_page(bundle):
    """The path of a Bundle's next page; None for the last."""
    for link in bundle.get("link", []):
        if link["relation"] == "next":
            at = link["url"].index("/", len("http://"))
            return link["url"][at:]
    return None


def location(headers):
    """(type, id, version) of a Location header: …/Type/id/_history/version."""
    parts = urllib.parse.urlsplit(headers["Location"]).path.split("/")
    at = parts.index("_history")
    return parts[at - 2], parts[at - 1], parts[at + 1]
