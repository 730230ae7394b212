"""Found by the loader: an expression can only fail, or give what its place does not take."""

from __future__ import annotations

from engine.lint.rule import Rule

RULE = Rule(
    id="expression-type",
    summary="An expression can only fail, or give what its place does not take.",
    severity="error",
    why=(
        "The schemas of inputs, outputs, forms and vars say what an expression reads. It is reported where no value "
        "that fits them would do: a function or operator that does not take such values, a member of what is no map, "
        "a condition that is not true or false, a list, map or null inside text, an optional that is never opened, a "
        "value that does not fit the input it is given to. What has no schema may be anything and is not reported; "
        "neither is `x + 1` where `x` may be null: that depends on the run. `dyn(x)` makes a value unknown to this "
        "rule. [Types](language.md#types) says what is known of each name."
    ),
    before="""\
name: bad
inputs:
  replicas: {type: integer}
  regions: {type: array, items: {type: string}}
tasks:
  small: {run: make small, if: inputs.replicas.startsWith('1')}
  any: {run: make any, if: inputs.regions}
  tell: {run: make tell, env: {WHERE: "to ${{ inputs.regions }}"}}
""",
    after="""\
name: good
inputs:
  replicas: {type: integer}
  regions: {type: array, items: {type: string}}
tasks:
  small: {run: make small, if: string(inputs.replicas).startsWith('1')}
  any: {run: make any, if: inputs.regions.size() > 0}
  tell: {run: make tell, env: {WHERE: "to ${{ inputs.regions.join(', ') }}"}}
""",
)
