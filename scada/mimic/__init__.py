"""What mimic diagrams are made of: the symbol library and its manifest, and views made out of the plant.

library()           the shipped symbols: drawings, and which tags of a branch animate what
generate            Plant → a view for each site and one of all, as good as an owned one
views               the views of a plant: the project's own, and generated ones where it has none
"""

from scada.mimic.generate import generate, views
from scada.mimic.symbols import ROLES, Library, Symbol, library

__all__ = ["ROLES", "Library", "Symbol", "generate", "library", "views"]
