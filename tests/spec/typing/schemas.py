"""The scope of the tests: one of each type, as the schemas of a workflow would give it."""

from engine.spec.output_shapes import shape_of

TEXT, WHOLE, NUMBER, BOOL = ({"type": kind} for kind in ("string", "integer", "number", "boolean"))


def closed(**properties):
    return {"type": "object", "properties": properties, "required": [*properties]}


def listed(items):
    return {"type": "array", "items": items}


INPUTS = closed(
    service=TEXT,
    replicas=WHOLE,
    score=NUMBER,
    dry=BOOL,
    nothing={"type": "null"},
    note={"type": ["string", "null"]},
    either={"type": ["string", "integer"]},
    regions=listed(TEXT),
    ports=listed(WHOLE),
    pair={"type": "array", "prefixItems": [TEXT], "items": WHOLE},
    matrix=listed(listed(WHOLE)),
    db=closed(host=TEXT, port=WHOLE),
    dbs=listed(closed(host=TEXT, port=WHOLE)),
    tags={"type": "object", "additionalProperties": TEXT},
    fooBar=TEXT,
    foo_bar=WHOLE,
    mixed={"anyOf": [TEXT, WHOLE]},
    pointed={"$ref": "#/$defs/x", "$defs": {"x": TEXT}},
    patterned={"type": "object", "patternProperties": {"^x": WHOLE}, "additionalProperties": TEXT},
    anything={},
)
SCOPE = closed(
    inputs=shape_of(INPUTS),
    trigger=closed(body={}, headers={"type": "object", "additionalProperties": {"description": "anything"}}),
    instance=closed(started_at=TEXT),
    item=WHOLE,
)
