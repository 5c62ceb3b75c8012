"""Views for other tools (docs/sql.md): sessions, alarms, energy by quarter hour. The same columns on both engines."""

from alembic import op

revision = "5"
down_revision = "4"

_SQLITE = {
    "time": "strftime('%Y-%m-%dT%H:%M:%fZ', {} / 1000000.0, 'unixepoch')",
    "money": "NULLIF({}, '')",
    "quarters": (
        "json_each(CASE WHEN f.quarters = '' THEN '[]' ELSE f.quarters END) q",
        "json_extract(q.value, '$[0]')",
        "json_extract(q.value, '$[1]')",
    ),
}
_POSTGRESQL = {
    "time": "to_timestamp({} / 1000000.0)",
    "money": "CAST(NULLIF({}, '') AS numeric)",
    "quarters": (
        "LATERAL json_array_elements(CAST(CASE WHEN f.quarters = '' THEN '[]' ELSE f.quarters END AS json)) q",
        "CAST(q ->> 0 AS bigint)",
        "CAST(q ->> 1 AS bigint)",
    ),
}


def upgrade() -> None:
    """Make the views."""
    how = _SQLITE if op.get_bind().dialect.name == "sqlite" else _POSTGRESQL
    time, money = str(how["time"]), str(how["money"])
    source, begin, energy = how["quarters"]
    op.execute(
        f"""
CREATE VIEW sessions AS
SELECT t.id, t.site, t.charger, t.connector, t.visit, t.id_tag AS token, t.parent, t.vehicle, t.plan, t.state,
  {time.format("t.started_us")} AS started, {time.format("t.stopped_us")} AS stopped,
  (t.stopped_us - t.started_us) / 1000000.0 AS duration_s, f.charging_us / 1000000.0 AS charging_s,
  t.meter_start_wh, t.meter_stop_wh, t.energy_wh, t.correction_wh, f.power_mean_kw, f.power_max_kw, t.soc_start,
  t.soc_end, t.reason, t.authorized_by, t.ordered_by, t.stopped_by, t.stop_condition, t.late, f.tariff,
  {money.format("f.cost")} AS cost, f.currency, f.meter_start_wh AS station_start_wh,
  f.meter_stop_wh AS station_stop_wh, f.meter_difference_wh, t.flags, f.flags AS figure_flags
FROM charging_transaction t LEFT JOIN session_figures f ON f.id = t.id"""  # noqa: S608 (ours)
    )
    op.execute(
        f"""
CREATE VIEW alarms AS
SELECT sequence, {time.format("time_us")} AS time, alarm, site, level, domain, nature, event, state,
  {time.format("NULLIF(raised_us, 0)")} AS raised, first_out, value, "user" AS who, origin, comment,
  {time.format("until_us")} AS until
FROM alarm_journal"""  # noqa: S608 (ours)
    )
    op.execute(
        f"""
CREATE VIEW energy_15min AS
SELECT t.site, t.charger, t.connector, t.id AS session, t.id_tag AS token, t.vehicle, t.plan,
  {time.format(begin)} AS quarter, {begin} AS quarter_us, {energy} AS energy_wh
FROM session_figures f JOIN charging_transaction t ON t.id = f.id CROSS JOIN {source}"""  # noqa: S608 (ours)
    )
