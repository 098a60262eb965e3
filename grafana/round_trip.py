"""Reads each dashboard into Grafana's own types and writes it again: nothing may be lost or changed on the way."""

import json
import sys

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard


def differences(before, after, path="dashboard"):
    """What `after` lacks or has differently; what it has in addition are defaults."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key, value in before.items():
            if key in after:
                yield from differences(value, after[key], f"{path}.{key}")
            elif value is not None:
                yield f"{path}.{key}: {value!r} is unknown to Grafana's types"
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for at, (one, other) in enumerate(zip(before, after)):
            yield from differences(one, other, f"{path}[{at}]")
    elif before != after:
        yield f"{path}: {before!r} became {after!r}"


def main(files):
    """Checks each file; the exit code."""
    register_default_plugins()
    faults = []
    for file in files:
        with open(file, encoding="utf-8") as opened:
            before = json.load(opened)
        after = json.loads(JSONEncoder().encode(Dashboard.from_json(before)))
        faults += [f"{file}: {fault}" for fault in differences(before, after)]
    print("\n".join(faults) if faults else f"{len(files)} dashboards, nothing lost")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
