"""What a resource must be found by: search values read off its JSON by the official search parameters' plain paths.

A second reading of the standard, in another language and far simpler than the server's: only expressions that are plain
paths (`Patient.name`, `(Observation.value as Quantity)`) are followed, so it covers most parameters, not all.
"""

import collections
import glob
import json
import os
import re

PLAIN = re.compile(r"^\(?(\w+)((?:\.\w+)*?)(?:\.as\((\w+)\)| as (\w+))?\)?$")
PREFIXED_SCHEMES = ("http://", "https://")


def parameters(folder):
    """{type: [(code, kind, path, type of the choice or None)]} of the SearchParameter resources in a package."""
    found = collections.defaultdict(list)
    for name in sorted(glob.glob(os.path.join(folder, "SearchParameter-*.json"))):
        with open(name, encoding="utf-8") as file:
            parameter = json.load(file)
        for piece in parameter.get("expression", "").split(" | "):
            match = PLAIN.match(piece.strip())
            if match and match[2] and match[1] in parameter["base"]:
                path = match[2].lstrip(".").split(".")
                found[match[1]].append((parameter["code"], parameter["type"], path, match[3] or match[4]))
    return found


def values_at(value, path, cast):
    """What stands at a path, through lists; a choice element under its typed name, with that type."""
    if isinstance(value, list):
        for each in value:
            yield from values_at(each, path, cast)
    elif not path:
        yield value
    elif isinstance(value, dict):
        name, rest = path[0], path[1:]
        if cast and not rest:
            name += cast[0].upper() + cast[1:]
        yield from values_at(value.get(name, []), rest, cast)


def escaped(text):
    return re.sub(r"([\\,$|])", r"\\\1", text)


def token(value):
    if isinstance(value, bool):
        yield "true" if value else "false"
    elif isinstance(value, str):
        yield escaped(value)
    elif isinstance(value, dict):
        for coding in value.get("coding", []):
            yield from token(coding)
        code = value.get("code", value.get("value"))
        if isinstance(code, str):
            system = value.get("system")
            # A ContactPoint's system is a kind (phone, email), not a namespace.
            is_contact = system and ":" not in system
            yield escaped(code) if is_contact else f"{escaped(system or '')}|{escaped(code)}"


def string(value):
    if isinstance(value, str):
        # Long text need only begin alike; white space at the ends says nothing.
        if value.strip():
            yield escaped(value.strip()[:60])
    elif isinstance(value, dict):
        for part in ("family", "given", "text", "prefix", "city", "line", "country", "postalCode"):
            for each in value.get(part, []) if isinstance(value.get(part), list) else [value.get(part)]:
                if isinstance(each, str):
                    yield from string(each)


def reference(value):
    text = value.get("reference", "") if isinstance(value, dict) else value if isinstance(value, str) else ""
    if re.fullmatch(r"[A-Z]\w+/[A-Za-z0-9.-]{1,64}", text) or (text.startswith(PREFIXED_SCHEMES) and not set("|#?") & set(text)):
        yield escaped(text)


def date(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict) and not value.get("repeat"):
        if "start" in value:
            yield "ge" + value["start"]
        if "end" in value:
            yield "le" + value["end"]


def number(value):
    if isinstance(value, tuple):
        yield value[1]


def quantity(value):
    if isinstance(value, dict) and isinstance(value.get("value"), tuple) and "comparator" not in value:
        if "code" in value:
            yield f"{value['value'][1]}|{escaped(value.get('system', ''))}|{escaped(value['code'])}"
        yield value["value"][1]


def uri(value):
    if isinstance(value, str) and not set("|#") & set(value):
        yield escaped(value)


KINDS = {"token": token, "string": string, "reference": reference, "date": date, "number": number,
         "quantity": quantity, "uri": uri}


def queries(resource, table):
    """(code, value) pairs that must each find the resource, whose numbers are ("number", text) pairs."""
    for code, kind, path, cast in table.get(resource["resourceType"], []):
        if kind in KINDS and not code.startswith("_"):
            for value in values_at(resource, path, cast):
                for text in KINDS[kind](value):
                    yield code, text
