"""The one expression language: expression tags, masks, filters, alarm conditions, counters and actions.

    Depot.Grid.ActivePower - Depot.Building.ActivePower
    delay(this.InTransaction and this.ActivePower < 0.1, 300)
    sum("site.*.C*.ActivePower")
    "closed" if time_between("22:00", "06:00") else this.Mode
    alarm.level >= 25 and starts_with(alarm.path, "Depot.")

Tags are written as they are called; below a template `this`, `connector`, `charger`, `meter` and `site` stand for
the branches that a tag lies in. The grammar is that of Python's expressions, of which only what is listed in
`syntax` is taken; everything else is refused when the project is loaded, with line and column. Nothing of Python
can be reached: texts become a tree of our own, and code is made of that tree alone (`code`).

syntax      text → tree, with the places of all mistakes
functions   what may be called
typing      kinds of values: a condition is a bit, arithmetic takes numbers
code        tree → a function for good inputs and one that minds quality
memory      functions with memory: rising, delay, average …
branch      sums and the like over the tags that a pattern selects, kept up at each change
formula     a program bound to the tags of a plant
network     all formulas of a plant: which to work out again, in which order, when
"""

from scada.core.expression.formula import Environment, Formula, condition
from scada.core.expression.functions import FUNCTIONS
from scada.core.expression.network import Network
from scada.core.expression.syntax import ExpressionError

__all__ = ["FUNCTIONS", "Environment", "ExpressionError", "Formula", "Network", "condition"]
