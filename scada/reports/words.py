"""The words of reports, in both languages."""

from __future__ import annotations

from scada.core.report_ports import CellKind, Column

_WORDS: dict[str, tuple[str, str]] = {
    "sessions": ("Sessions", "Sessions"),
    "energy": ("Energy", "Énergie"),
    "availability": ("Availability", "Disponibilité"),
    "utilisation": ("Utilisation", "Utilisation"),
    "peak": ("Peak demand", "Puissance de pointe"),
    "alarms": ("Alarms", "Alarmes"),
    "audit": ("Audit", "Audit"),
    "id": ("Session", "Session"),
    "site": ("Site", "Site"),
    "charger": ("Charger", "Borne"),
    "connector": ("Connector", "Connecteur"),
    "token": ("Token", "Badge"),
    "parent": ("Group", "Groupe"),
    "vehicle": ("Vehicle", "Véhicule"),
    "plan": ("Plan", "Formule"),
    "all": ("All", "Tout"),
    "state": ("State", "État"),
    "started": ("Start", "Début"),
    "stopped": ("End", "Fin"),
    "duration": ("Duration", "Durée"),
    "charging": ("Charging time", "Durée de charge"),
    "meter_start": ("Register at start", "Index au début"),
    "meter_stop": ("Register at end", "Index à la fin"),
    "power_mean": ("Mean power", "Puissance moyenne"),
    "power_max": ("Greatest power", "Puissance maximale"),
    "soc_start": ("SoC at start", "SoC au début"),
    "soc_end": ("SoC at end", "SoC à la fin"),
    "reason": ("Reason", "Motif"),
    "authorized_by": ("Authorized by", "Autorisé par"),
    "tariff": ("Tariff", "Tarif"),
    "cost": ("Cost", "Coût"),
    "currency": ("Currency", "Devise"),
    "meter_difference": ("Station meter − charger", "Compteur − borne"),
    "flags": ("Remarks", "Remarques"),
    "period": ("Period", "Période"),
    "count": ("Sessions", "Sessions"),
    "percent_available": ("Usable", "Utilisable"),
    "percent_unknown": ("Not known", "Inconnu"),
    "occupied": ("Occupied", "Occupé"),
    "percent_occupied": ("Occupied share", "Part occupée"),
    "percent_charging": ("Charging share", "Part en charge"),
    "per_day": ("Sessions a day", "Sessions par jour"),
    "quarter": ("Quarter hour", "Quart d'heure"),
    "mean_power": ("Mean power", "Puissance moyenne"),
    "source": ("Source", "Source"),
    "alarm": ("Alarm", "Alarme"),
    "times": ("Times", "Nombre"),
    "figure": ("Figure", "Indicateur"),
    "value": ("Value", "Valeur"),
    "time": ("Time", "Heure"),
    "user": ("User", "Utilisateur"),
    "origin": ("From", "Depuis"),
    "action": ("Action", "Action"),
    "object": ("Object", "Objet"),
    "old": ("Before", "Avant"),
    "new": ("After", "Après"),
    "outcome": ("Outcome", "Résultat"),
    "total": ("Total", "Total"),
    "from": ("From", "Du"),
    "to": ("To (without)", "Au (exclu)"),
    "timezone": ("Time zone", "Fuseau horaire"),
    "project": ("Project", "Projet"),
    "made": ("Made", "Établi le"),
    "filter": ("Filter", "Filtre"),
    "about": ("About", "À propos"),
    "page": ("Page", "Page"),
    "most_frequent": ("Most frequent", "Les plus fréquentes"),
    "chattering": ("Chattering", "Intempestives"),
    "stale": ("Stale", "Persistantes"),
    "raised": ("Alarms raised", "Alarmes levées"),
    "per_10_min_mean": ("Mean rate in ten minutes", "Taux moyen sur dix minutes"),
    "per_10_min_peak": ("Peak rate in ten minutes", "Taux de pointe sur dix minutes"),
    "flood_percent": ("Time in flood (%)", "Temps en avalanche (%)"),
    "ack_median": ("Median time to acknowledge (s)", "Délai médian d'acquittement (s)"),
    "ack_p90": ("90 % acknowledged within (s)", "90 % acquittées en (s)"),
    "cut": ("There is more than is shown here.", "Il y a plus que ce qui est montré ici."),
    "charts": ("Charts", "Graphiques"),
    "label": ("Label", "Repère"),
    "no_rows": ("Nothing in this period.", "Rien sur cette période."),
    "from_registers": (
        "Energy is taken from registers; within a session it is spread as its readings say.",
        "L'énergie provient des index ; dans une session elle est répartie selon ses relevés.",
    ),
    "peak_of_sessions": (
        "No meter of the grid connection is recorded: the demand of the chargers' sessions is shown.",
        "Aucun compteur du raccordement n'est enregistré : la demande des sessions est montrée.",
    ),
    "pdf_letters": (
        "Characters that this file cannot show stand as a question mark; the workbook and the csv file hold them:",
        "Les caractères que ce fichier ne peut montrer y sont un point d'interrogation ; le classeur et le fichier csv les contiennent :",
    ),
    "pdf_cut": (
        "The table is cut in this file; the workbook and the csv file hold all rows.",
        "Le tableau est abrégé ici ; le classeur et le fichier csv contiennent toutes les lignes.",
    ),
}


def word(key: str, language: str) -> str:
    """A word; one that is not known is its own key."""
    found = _WORDS.get(key)
    return key if found is None else found[1 if language == "fr" else 0]


def column(
    key: str, language: str, kind: CellKind = CellKind.TEXT, unit: str = "", *, total: bool = False
) -> Column:
    """A column with its title."""
    return Column(key, word(key, language), kind, unit, total)
