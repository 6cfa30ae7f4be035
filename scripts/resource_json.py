"""Reads and compares resources as JSON: numbers as they are written, what the server assigns left out."""

import json


def parse(data):
    """Numbers as their text, so that 1.0 and 1.00 differ."""
    return json.loads(data, parse_float=number, parse_int=number)


def number(text):
    return ("number", text)


def without_server_fields(resource):
    """The resource but for what the server assigns."""
    resource = dict(resource)
    resource.pop("id", None)
    meta = {key: value for key, value in resource.pop("meta", {}).items() if key not in ("versionId", "lastUpdated")}
    if meta:
        resource["meta"] = meta
    return resource


def difference(sent, got, path=""):
    """Where two parsed values first differ, or None; the order of members is no difference."""
    if type(sent) is not type(got):
        return f"{path}: {str(sent)[:80]} became {str(got)[:80]}"
    if isinstance(sent, dict):
        for key in sent.keys() | got.keys():
            if key not in sent or key not in got:
                return f"{path}.{key}: {'appeared' if key in got else 'vanished'}"
            found = difference(sent[key], got[key], f"{path}.{key}")
            if found:
                return found
        return None
    if isinstance(sent, list):
        if len(sent) != len(got):
            return f"{path}: {len(sent)} elements became {len(got)}"
        return next(filter(None, (difference(a, b, f"{path}[{i}]") for i, (a, b) in enumerate(zip(sent, got)))), None)
    return None if sent == got else f"{path}: {str(sent)[:80]} became {str(got)[:80]}"


def said(status, body):
    """An answer in short, for a complaint."""
    try:
        issues = json.loads(body)["issue"]
        return f"{status} " + "; ".join(str(issue.get("diagnostics")) for issue in issues[:3])
    except (ValueError, KeyError):
        return f"{status} {body[:200]!r}"
