"""Languages: catalogues of the product's own texts, and formats of numbers and times.

Message ids are the English texts. The texts of a project come from its files (`Plant.text`).
"""

from scada.i18n.catalogue import DEFAULT_LANGUAGE, LANGUAGES, Translate, marked, translator
from scada.i18n.formats import Formats
from scada.i18n.sentences import Sentences

__all__ = ["DEFAULT_LANGUAGE", "LANGUAGES", "Formats", "Sentences", "Translate", "marked", "translator"]
