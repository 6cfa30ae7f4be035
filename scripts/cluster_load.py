"""Clients that hammer the nodes of a cluster with writes, and the comparison of what they were told with what is there.

Every write has a tag. A client that gets no answer, or 503, tries the same write again, on another node: a create or a
transaction with If-None-Exist, so that what was stored after all is not stored twice; of an update it looks whether it
was. So each tag that was acknowledged must be there in exactly one version of one resource, each that was refused in
none, and one whose client gave up at the end in one at most.
"""

import http.client
import json
import random
import threading
import time

from aceso_server import SERVICE, exchange, next_page

REQUEST_SECONDS_MAX = 20
PARTS = 3


def patient(tag):
    return {"resourceType": "Patient", "active": True, "identifier": [{"system": "urn:cluster", "value": tag}],
            "name": [{"family": "Cluster", "given": [tag]}]}


def query(tag):
    return f"identifier=urn:cluster%7C{tag}"


class Load:
    """The clients' common state."""

    def __init__(self, nodes, clients, seed):
        self.nodes = nodes
        self.stop = threading.Event()
        self.lock = threading.Lock()
        self.acked = {}  # tag: (what, id or None, version or None)
        self.refused = set()
        self.unknown = set()
        self.counts = dict.fromkeys(["acknowledged", "refused", "503", "503 without Retry-After", "no answer"], 0)
        self.newest = [0.0] * len(nodes)  # when each node acknowledged last
        self.failed = None
        self.clients = [Client(self, index, f"{seed}-{index}") for index in range(clients)]

    def start(self):
        for client in self.clients:
            client.start()

    def end(self):
        self.stop.set()
        for client in self.clients:
            client.join(REQUEST_SECONDS_MAX + 10)
            if client.is_alive():
                raise RuntimeError("a client hangs")
        if self.failed:
            raise RuntimeError(self.failed)

    def count(self, what):
        with self.lock:
            self.counts[what] += 1

    def acknowledge(self, node, tags, what, identifier=None, version=None):
        with self.lock:
            self.newest[node] = time.monotonic()
            self.counts["acknowledged"] += 1
            for tag in tags:
                self.acked[tag] = (what, identifier, version)

    def wait_for(self, since, nodes, seconds):
        """Until each of these nodes acknowledged a write after `since`; the seconds that took, by node."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with self.lock:
                if all(self.newest[node] > since for node in nodes):
                    return
            if self.failed:
                raise RuntimeError(self.failed)
            time.sleep(0.01)
        raise RuntimeError(f"no write was acknowledged for {seconds} s")


class Client(threading.Thread):
    def __init__(self, load, index, seed):
        super().__init__(daemon=True)
        self.load, self.index = load, index
        self.random = random.Random(seed)
        self.node = index % len(load.nodes)
        self.connection = None
        self.step = 0
        self.own = None  # (id, version) of the resource that this client updates

    def run(self):
        try:
            while not self.load.stop.is_set():
                self.step += 1
                if self.random.random() < 0.05:
                    self.turn()
                choice = self.random.random()
                if choice < 0.05:
                    self.refused()
                elif choice < 0.30:
                    self.transaction()
                elif choice < 0.60 and self.own:
                    self.update()
                else:
                    self.create()
        except Exception as error:  # pylint: disable=broad-except
            self.load.failed = f"client {self.index}: {type(error).__name__}: {error}"

    def tag(self):
        return f"c{self.index}-{self.step}"

    def once(self, method, path, body=None, headers=None):
        """One try; None without an answer that says what happened. Then it is the next node's turn."""
        try:
            if self.connection is None:
                self.connection = http.client.HTTPConnection(
                    "127.0.0.1", self.load.nodes[self.node].port, timeout=REQUEST_SECONDS_MAX)
            status, fields, answer = exchange(self.connection, method, SERVICE + path, body, headers)
        except (OSError, http.client.HTTPException):
            self.load.count("no answer")
            self.turn()
            time.sleep(self.random.uniform(0.02, 0.1))
            return None
        if status == 503:
            self.load.count("503" if fields.get("Retry-After") else "503 without Retry-After")
            self.turn()
            time.sleep(self.random.uniform(0.02, 0.1))
            return None
        if status >= 500:
            raise RuntimeError(f"{method} {path}: {status}: {answer[:300]!r}")
        return status, fields, answer

    def turn(self):
        if self.connection:
            self.connection.close()
        self.connection = None
        self.node = (self.node + 1) % len(self.load.nodes)

    def until_answered(self, tags, method, path, body, headers=None):
        """The same write again and again, until it is answered or the load ends."""
        while True:
            answer = self.once(method, path, body, headers)
            if answer is not None:
                return answer
            if self.load.stop.is_set():
                with self.load.lock:
                    self.load.unknown.update(tags)
                return None

    def expect(self, answer, *statuses):
        if answer[0] not in statuses:
            raise RuntimeError(f"status {answer[0]}: {answer[2][:300]!r}")

    def create(self):
        tag = self.tag()
        answer = self.until_answered([tag], "POST", "/Patient", patient(tag), {"If-None-Exist": query(tag)})
        if answer is None:
            return
        self.expect(answer, 200, 201)
        resource = json.loads(answer[2])
        self.load.acknowledge(self.node, [tag], "create", resource["id"], 1)
        if self.own is None:
            self.own = (resource["id"], 1)

    def transaction(self):
        tags = [f"{self.tag()}-{part}" for part in range(PARTS)]
        entries = [{"resource": patient(tag), "request": {"method": "POST", "url": "Patient", "ifNoneExist": query(tag)}}
                   for tag in tags]
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
        answer = self.until_answered(tags, "POST", "", bundle)
        if answer is None:
            return
        self.expect(answer, 200)
        self.load.acknowledge(self.node, tags, "transaction")

    def update(self):
        identifier, version = self.own
        tag = self.tag()
        while True:
            answer = self.once("PUT", f"/Patient/{identifier}", patient(tag) | {"id": identifier},
                               {"If-Match": f'W/"{version}"'})
            if answer is not None and answer[0] == 200:
                break
            if answer is not None:
                # Stored by a try that was not answered; nobody else writes this resource.
                self.expect(answer, 412)
                now = self.until_answered([tag], "GET", f"/Patient/{identifier}", None)
                if now is None:
                    return
                self.expect(now, 200)
                resource = json.loads(now[2])
                found = (int(resource["meta"]["versionId"]), resource["identifier"][0]["value"])
                if found != (version + 1, tag):
                    raise RuntimeError(f"Patient/{identifier} is {found}, not {(version + 1, tag)}")
                break
            if self.load.stop.is_set():
                with self.load.lock:
                    self.load.unknown.add(tag)
                return
        self.own = (identifier, version + 1)
        self.load.acknowledge(self.node, [tag], "update", identifier, version + 1)

    def refused(self):
        tag = self.tag()
        if not self.own:
            return
        answer = self.until_answered(
            [], "PUT", f"/Patient/{self.own[0]}", patient(tag) | {"id": self.own[0]}, {"If-Match": 'W/"999999"'})
        if answer is None:
            return
        self.expect(answer, 412)
        self.load.count("refused")
        with self.load.lock:
            self.load.refused.add(tag)


def content(node):
    """Every version that a node shows: {tag: [(id, version), …]}."""
    found = {}
    connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=60)
    path = f"{SERVICE}/Patient/_history?_count=1000"
    while path:
        status, _, body = exchange(connection, "GET", path)
        if status != 200:
            raise RuntimeError(f"history answered {status}: {body[:300]!r}")
        bundle = json.loads(body)
        for entry in bundle.get("entry", []):
            resource = entry["resource"]
            place = (resource["id"], int(resource["meta"]["versionId"]))
            found.setdefault(resource["identifier"][0]["value"], []).append(place)
        path = next_page(bundle)
    connection.close()
    return found


def compare(load, shown):
    """What was promised against what each node shows (`content`). Returns counts and complaints."""
    counts = dict.fromkeys(["versions", "lost", "doubled", "ghosts", "differing"], 0)
    complaints = []
    found = shown[0]
    counts["versions"] = sum(len(places) for places in found.values())

    def complain(kind, text):
        counts[kind] += 1
        complaints.append(f"{kind}: {text}")

    for other in shown[1:]:
        for tag in found.keys() | other.keys():
            if sorted(found.get(tag, [])) != sorted(other.get(tag, [])):
                complain("differing", f"{tag}: one node shows {found.get(tag)}, another {other.get(tag)}")
    for tag, (what, identifier, version) in load.acked.items():
        places = found.get(tag, [])
        if not places:
            complain("lost", f"{what} {tag}")
        elif len(places) > 1:
            complain("doubled", f"{what} {tag}: {places}")
        elif identifier and places[0] != (identifier, version):
            complain("lost", f"{what} {tag}: is {places[0]}, was {(identifier, version)}")
    for tag, places in found.items():
        if tag in load.refused:
            complain("ghosts", f"{tag} was refused, and is {places}")
        elif tag in load.unknown:
            if len(places) > 1:
                complain("doubled", f"{tag}: {places}")
        elif tag not in load.acked:
            complain("ghosts", f"{tag} was never acknowledged nor given up")
    return counts, complaints


def canaries(load, shown):
    """Whether `compare` would see it: a version lost, one doubled, one that nobody sent, one that one node lacks."""
    before, _ = compare(load, shown)
    victim = next(tag for tag, (what, _, _) in load.acked.items() if what == "create")
    everywhere = [(kind, range(len(shown)), places) for kind, places in (
        ("lost", []), ("doubled", shown[0][victim] + [("another", 1)]))]
    caught = []
    for kind, nodes, places in [*everywhere, ("differing", [len(shown) - 1], [])]:
        planted = [dict(content) for content in shown]
        for node in nodes:
            planted[node][victim] = places
        caught.append(compare(load, planted)[0][kind] == before[kind] + 1)
    caught.append(compare(load, [dict(content, invented=[("none", 1)]) for content in shown])[0]["ghosts"]
                  == before["ghosts"] + 1)
    return caught
