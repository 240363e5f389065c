"""Checks that Schemathesis does not have, and which of its findings are exempt. The run loads it as its hooks."""

import collections
import json
import os
import pathlib

import schemathesis
from exemptions import EXEMPT, EXEMPTIONS, UNREACHED
from schemathesis.generation.meta import TestPhase
from targets import prepare

# What HTTP and the server's own connection say of every answer; everything else must stand in the document.
GENERAL = {"date", "content-length", "content-type", "connection", "transfer-encoding", "cache-control", "x-content-type-options"}


@schemathesis.check
def documented_headers(_, response, case):
    """Every header of an answer stands in the document."""
    documented = case.operation.definition.raw.get("responses", {}).get(str(response.status_code))
    if documented is None:
        return  # the status is another check's
    known = GENERAL | {name.lower() for name in documented.get("headers", {})}
    if unknown := sorted(set(map(str.lower, response.headers)) - known):
        raise AssertionError(f"status {response.status_code} has headers that are not documented: {', '.join(unknown)}")


@schemathesis.check
class Reached:
    """Notes which statuses every operation answered with, and fails for one that never did its work."""

    def __init__(self):
        self.seen = collections.defaultdict(set)

    def after_response(self, _, response, case):
        self.seen[case.operation.label].add(response.status_code)

    def after_run(self, _):
        table = {operation: sorted(statuses) for operation, statuses in sorted(self.seen.items())}
        pathlib.Path(os.environ["STATUSES"]).write_text(json.dumps(table))
        idle = sorted(operation for operation, statuses in table.items() if min(statuses) >= 400 and operation not in UNREACHED)
        if idle and os.environ["WHOLE"]:
            raise AssertionError("never answered below 400: " + ", ".join(idle))


@schemathesis.hook
def before_call(_, case, __):
    """Has right requests that were made at random meet something to work on."""
    if case.meta and not case.meta.generation.mode.is_negative and case.meta.phase.name in (TestPhase.FUZZING, TestPhase.STATEFUL):
        prepare(case)


@schemathesis.hook
def filter_failure(_, failure, case, response):
    """Drops a finding that is exempt."""
    if not set(failure.checks) <= set(EXEMPT) or not failure.checks:
        return True
    return not any(e.check in failure.checks and e.applies(case, response) for e in EXEMPTIONS)
