"""For programs."""

from __future__ import annotations

import orjson

from engine.simulate.coverage import COUNTED
from engine.simulate.files import Report


def report(found: Report) -> str:
    """One document: findings, cases, coverage."""
    document = {
        "findings": [finding.to_json() for finding in found.findings],
        "cases": [
            {
                "path": case.path,
                "line": case.line,
                "workflow": case.workflow,
                "case": case.case,
                "passed": not case.problems,
                "problems": list(case.problems),
                "timeline": list(case.timeline),
                "seconds": round(case.seconds, 6),
            }
            for case in found.cases
        ],
        "coverage": {
            name: {
                **{what: round(one.percent(what), 1) for what in COUNTED},
                "missed": list(one.missed),
                "never_unsatisfied": list(one.always),
            }
            for name, one in found.coverage.items()
        },
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() + "\n"
