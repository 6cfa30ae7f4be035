"""The official examples of each FHIR release, and their way through a server in both forms.

Each example goes JSON → server → XML → server → JSON and must come back equal; `$validate` must find no error in
either form. Beside them the server is asked for whatever else it sends: searches, histories, bundles, refusals. Every
body that it sends is kept in a folder, for a parser of others to judge (strict-parse).

What is an exception, and why, is said in one place: the table under "Exceptions" in docs/conformance.md.
"""

import collections
import glob
import json
import os
import re
import xml.etree.ElementTree as ElementTree

from aceso_server import ROOT, exchange, location
from resource_json import difference, parse, said, without_server_fields

DATA = os.path.join(ROOT, ".conformance-data")
CONFORMANCE = os.path.join(ROOT, "docs", "conformance.md")
JSON, XML = "application/fhir+json", "application/fhir+xml"
FORMS = {JSON: "json", XML: "xml"}
FHIR = "{http://hl7.org/fhir}"

# The service's name, which is the data set's too, and the release it serves.
RELEASES = {"r4": "4.0", "r4b": "4.3", "r5": "5.0", "stu3": "3.0"}
# What an exception may be: refused on create and by $validate, taken but found wrong by $validate, or valid but refused
# on create since it could not do what it is for.
KINDS = ("refused", "invalid", "unusable")


def exceptions(release):
    """{example's name: kind} from the table `| release | refused or invalid | `name`, `name` … | reason |`."""
    found = {}
    with open(CONFORMANCE, encoding="utf-8") as file:
        for line in file:
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            if len(cells) == 4 and cells[0].lower() == release and cells[1] in KINDS:
                found.update(dict.fromkeys(re.findall(r"`([^`]+)`", cells[2]), cells[1]))
    return found


def names(release):
    """The files of a release's examples, sorted; none without the data set."""
    return sorted(glob.glob(os.path.join(DATA, f"fhir-{release}-examples", "json", "*.json")))


def error_texts(form, body):
    """What an OperationOutcome in either form says is wrong."""
    if form == JSON:
        issues = [(issue["severity"], issue.get("diagnostics")) for issue in json.loads(body)["issue"]]
    else:
        issues = [(issue.find(FHIR + "severity").get("value"), issue.find(FHIR + "diagnostics").get("value"))
                  for issue in ElementTree.fromstring(body).iter(FHIR + "issue")]
    assert issues, "an OperationOutcome without issues"
    return [text for severity, text in issues if severity in ("error", "fatal")]


class Recorder:
    """One connection to one service, which keeps every FHIR body that comes: FOLDER/RELEASE/NUMBER-STATUS.FORM.

    Two bodies with the same number are one resource in two forms.
    """

    def __init__(self, connection, release, folder):
        self.connection, self.base = connection, f"/default/{release}"
        self.release, self.label = release, release.upper()
        self.folder = os.path.join(folder, release)
        self.number = 0
        os.makedirs(self.folder)

    def send(self, method, path, body=None, form=JSON, accept=JSON, twin=False, **headers):
        """Status, headers and body of one request below the service; a `twin` says the last body in the other form."""
        fields = {"Accept": accept, "Content-Type": form}
        fields.update({name.replace("_", "-"): value for name, value in headers.items()})
        status, answered, data = exchange(self.connection, method, f"{self.base}/{path}", body, fields)
        kind = (answered.get("Content-Type") or "").split(";")[0]
        if data and kind in FORMS:
            self.number += 0 if twin else 1
            with open(os.path.join(self.folder, f"{self.number:05}-{status}.{FORMS[kind]}"), "wb") as file:
                file.write(data)
        return status, answered, data


class Examples:
    """A release's examples on their way; `check(ok, what)` counts."""

    def __init__(self, recorder, check):
        self.recorder, self.check, self.label = recorder, check, recorder.label
        self.exceptions = exceptions(recorder.release)
        self.kinds = collections.Counter()
        self.equal = self.valid = 0

    def run(self):
        files = names(self.recorder.release)
        for name in files:
            with open(name, "rb") as file:
                self.run_one(os.path.basename(name).removesuffix(".json"), file.read())
        unknown = self.exceptions.keys() - {os.path.basename(name).removesuffix(".json") for name in files}
        self.check(not unknown, f"{self.label}: exceptions in docs/conformance.md that are no examples: {unknown}")
        print(f"examples: {self.label}: {self.equal} of {len(files)} of {len(self.kinds)} types came back equal by way "
              f"of XML, {self.valid} valid; {len(self.exceptions)} known exceptions", flush=True)

    def run_one(self, name, data):
        kind = json.loads(data)["resourceType"]
        label = f"{self.label} {name}"
        expected = self.exceptions.get(name)
        found = self.validated(kind, data, JSON)
        if expected in (None, "unusable"):
            self.check(not found, f"{label}: $validate says {found[:2]}")
            self.valid += not found
        else:
            self.check(found, f"{label}: no exception any more: strike it from docs/conformance.md")
        status, headers, first = self.recorder.send("POST", kind, data)
        if expected in ("refused", "unusable"):
            self.check(status in (400, 422), f"{label}: was to be refused, answered {status}")
            return
        if status != 201:
            self.check(False, f"{label}: create answered {said(status, first)}")
            return
        found = self.way_back(kind, location(headers)[1], parse(data), expected)
        self.check(found is None, f"{label}: {found}")
        self.equal += found is None
        self.kinds[kind] += 1

    def validated(self, kind, data, form):
        status, _, body = self.recorder.send("POST", f"{kind}/$validate", data, form, accept=form)
        return error_texts(form, body) if status == 200 else [said(status, body)]

    def way_back(self, kind, identifier, sent, expected):
        """What differs, or None: from the server as XML, back to it as XML for a new resource, and that one as JSON."""
        status, _, markup = self.recorder.send("GET", f"{kind}/{identifier}", accept=XML, twin=True)
        if status != 200:
            return f"read as XML answered {said(status, markup)}"
        wrong = self.validated(kind, markup, XML)
        if wrong and expected is None:
            return f"$validate of the XML says {wrong[:2]}"
        if kind == "SearchParameter":
            # Its url may be there once only.
            self.recorder.send("DELETE", f"{kind}/{identifier}")
        status, headers, body = self.recorder.send("POST", kind, markup, XML, XML, Prefer="return=OperationOutcome")
        if status != 201:
            return f"create as XML answered {said(status, body)}"
        status, _, body = self.recorder.send("GET", f"{kind}/{location(headers)[1]}")
        if status != 200:
            return f"read as JSON answered {said(status, body)}"
        return difference(without_server_fields(sent), without_server_fields(parse(body)))


def ask_around(recorder, kinds, check):
    """Whatever else a server sends, once in each form; what it must be is for the parser of others to say."""
    patient = json.dumps({"resourceType": "Patient", "name": [{"family": "Around"}], "birthDate": "1970-03"}).encode()
    _, headers, _ = recorder.send("POST", "Patient", patient)
    identifier = location(headers)[1]
    update = json.dumps({"resourceType": "Patient", "id": identifier, "active": True}).encode()
    bundle = json.dumps({"resourceType": "Bundle", "type": "batch", "entry": [
        {"resource": {"resourceType": "Patient"}, "request": {"method": "POST", "url": "Patient"}},
        {"request": {"method": "GET", "url": f"Patient/{identifier}"}},
        {"request": {"method": "GET", "url": "Patient?_count=1"}},
        {"request": {"method": "DELETE", "url": "Patient/none"}},
        {"request": {"method": "GET", "url": "Patient/none"}},
        {"resource": {"resourceType": "Patient", "gender": "?"}, "request": {"method": "POST", "url": "Patient"}}]})
    operations = json.dumps([{"op": "add", "path": "/gender", "value": "other"}]).encode()
    statuses = {JSON: [], XML: []}
    for accept in (JSON, XML):
        def ask(method, path, body=None, form=JSON, **headers):
            status, _, _ = recorder.send(method, path, body, form, accept, **headers)
            statuses[accept].append((method, path, status))
        for path in ("metadata", "$versions", "_history?_count=20", "?_type=Patient,Observation&_count=5", "Nothing/1",
                     "Patient/none", "Patient/none/_history", "Patient?name=", "Patient?unheard-of=1&_count=1",
                     f"Patient/{identifier}/_history", f"Patient/{identifier}/$everything", "Patient?_summary=count",
                     f"Patient/{identifier}/_history/99", "Patient?_total=accurate&_count=2&_sort=-_lastUpdated",
                     "Observation?_include=Observation:subject&_count=5", "Patient?_revinclude=Observation:subject",
                     f"Patient/{identifier}/$meta", "$meta", "Patient?_elements=name&_count=5",
                     "Observation?_summary=data&_count=5"):
            ask("GET", path)
        ask("GET", "Patient?unheard-of=1", Prefer="handling=strict")
        ask("PUT", f"Patient/{identifier}", update)
        ask("PUT", f"Patient/{identifier}", update, If_Match='W/"99"')
        ask("PUT", "Patient/other", update)
        ask("PATCH", f"Patient/{identifier}", operations, "application/json-patch+json")
        ask("PATCH", f"Patient/{identifier}", operations[:-1], "application/json-patch+json")
        ask("POST", "Patient/$validate", b'{"resourceType":"Patient","gender":"?","birthDate":"1970-13","x":1}')
        for broken in (b"{", b"", b"[]", b'{"resourceType":"Nothing"}',
                       b'{"resourceType":"Patient","gender":"<&\\u0007>"}'):
            ask("POST", "Patient", broken)
        ask("POST", "Patient", b"<Patient xmlns='http://hl7.org/fhir'><nothing/></Patient>", XML)
        ask("POST", "", bundle.encode())
        ask("POST", "", bundle.replace("batch", "transaction").encode())
        for kind in kinds:
            ask("GET", f"{kind}?_count=3")
            ask("GET", f"{kind}?_count=5&_summary=true")
            ask("GET", f"{kind}?_count=5&_summary=text")
    recorder.send("DELETE", f"Patient/{identifier}")
    for accept in (JSON, XML):
        for path in (f"Patient/{identifier}", f"Patient/{identifier}/_history"):
            status, _, _ = recorder.send("GET", path, accept=accept)
            statuses[accept].append(("GET", path, status))
    for one, other in zip(statuses[JSON], statuses[XML]):
        check(one == other and one[2] < 500,
              f"{recorder.base}: {' '.join(one[:2])}: {one[2]} as JSON, {other[2]} as XML")
    print(f"examples: {recorder.label}: {len(statuses[JSON])} other requests in each form", flush=True)
