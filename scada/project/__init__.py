"""FILES → PLANT: reads a project directory, finds every mistake in it, expands it into a frozen Plant.

load(directory)     the Plant, or ProjectError with all problems
scaffold            makes a project directory out of the model project
"""

from scada.project.loader import load
from scada.project.scaffold import scaffold

__all__ = ["load", "scaffold"]
