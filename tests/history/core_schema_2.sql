-- core.db as schema 2 had it.
CREATE TABLE alarm_journal (
  sequence INTEGER NOT NULL,
  time_us BIGINT NOT NULL,
  alarm TEXT NOT NULL,
  site TEXT NOT NULL,
  level INTEGER NOT NULL,
  domain TEXT NOT NULL,
  nature TEXT NOT NULL,
  event TEXT NOT NULL,
  state TEXT NOT NULL,
  raised_us BIGINT NOT NULL,
  first_out INTEGER NOT NULL,
  value TEXT NOT NULL,
  user TEXT NOT NULL,
  origin TEXT NOT NULL,
  comment TEXT NOT NULL,
  until_us BIGINT,
  PRIMARY KEY (sequence)
);
CREATE INDEX ix_alarm_journal_alarm ON alarm_journal (alarm, sequence);
CREATE INDEX ix_alarm_journal_event ON alarm_journal (event, time_us);
CREATE INDEX ix_alarm_journal_site ON alarm_journal (site, sequence);
CREATE INDEX ix_alarm_journal_time ON alarm_journal (time_us);
CREATE INDEX ix_alarm_journal_user ON alarm_journal (user, sequence) WHERE user <> '';
CREATE TABLE alarm_state (
  alarm TEXT NOT NULL,
  state TEXT NOT NULL,
  raised_us BIGINT NOT NULL,
  sequence INTEGER NOT NULL,
  first_out INTEGER NOT NULL,
  changed_us BIGINT NOT NULL,
  value TEXT NOT NULL,
  user TEXT NOT NULL,
  acknowledged_by TEXT NOT NULL,
  comment TEXT NOT NULL,
  until_us BIGINT,
  PRIMARY KEY (alarm)
);
CREATE TABLE audit (
  id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  time_us BIGINT NOT NULL,
  user TEXT NOT NULL,
  origin TEXT NOT NULL,
  action TEXT NOT NULL,
  object TEXT NOT NULL,
  old TEXT NOT NULL,
  new TEXT NOT NULL,
  outcome TEXT NOT NULL
);
CREATE INDEX ix_audit_object ON audit (object, id);
CREATE INDEX ix_audit_time ON audit (time_us);
CREATE INDEX ix_audit_user ON audit (user, id);
CREATE TABLE charging_transaction (
  id INTEGER NOT NULL,
  charger TEXT NOT NULL,
  connector INTEGER NOT NULL,
  site TEXT NOT NULL,
  id_tag TEXT NOT NULL,
  started_us BIGINT NOT NULL,
  meter_start_wh BIGINT NOT NULL,
  state TEXT NOT NULL,
  stopped_us BIGINT,
  meter_stop_wh BIGINT,
  energy_wh BIGINT NOT NULL,
  reason TEXT NOT NULL,
  authorized_by TEXT NOT NULL,
  flags TEXT NOT NULL,
  updated_us BIGINT NOT NULL,
  PRIMARY KEY (id)
);
CREATE INDEX ix_charging_transaction_charger ON charging_transaction (charger, started_us, id);
CREATE INDEX ix_charging_transaction_started ON charging_transaction (started_us, id);
CREATE INDEX ix_charging_transaction_state ON charging_transaction (state, id);
CREATE TABLE command (
  id TEXT NOT NULL,
  issued_us BIGINT NOT NULL,
  ended_us BIGINT,
  name TEXT NOT NULL,
  target TEXT NOT NULL,
  arguments TEXT NOT NULL,
  user TEXT NOT NULL,
  origin TEXT NOT NULL,
  outcome TEXT NOT NULL,
  text TEXT NOT NULL,
  PRIMARY KEY (id)
);
CREATE INDEX ix_command_issued ON command (issued_us, id);
CREATE TABLE escalation (
  alarm TEXT NOT NULL,
  profile TEXT NOT NULL,
  raised_us BIGINT NOT NULL,
  step INTEGER NOT NULL,
  ended BOOLEAN NOT NULL,
  PRIMARY KEY (alarm, profile)
);
CREATE TABLE hold (
  kind TEXT NOT NULL,
  path TEXT NOT NULL,
  user TEXT NOT NULL,
  origin TEXT NOT NULL,
  reason TEXT NOT NULL,
  since_us BIGINT NOT NULL,
  until_us BIGINT,
  value TEXT NOT NULL,
  PRIMARY KEY (kind, path)
);
CREATE TABLE outbox (
  id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  message_id TEXT NOT NULL,
  thread_id TEXT NOT NULL,
  created_us BIGINT NOT NULL,
  contact TEXT NOT NULL,
  recipient TEXT NOT NULL,
  language TEXT NOT NULL,
  template TEXT NOT NULL,
  cause INTEGER NOT NULL,
  snapshot TEXT NOT NULL,
  channel TEXT NOT NULL,
  profile TEXT NOT NULL,
  not_before_us BIGINT NOT NULL,
  level INTEGER NOT NULL,
  urgent BOOLEAN NOT NULL,
  state TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  next_try_us BIGINT NOT NULL,
  last_answer TEXT NOT NULL,
  subject TEXT NOT NULL,
  text TEXT NOT NULL,
  sent_with INTEGER NOT NULL,
  sent_us BIGINT NOT NULL,
  UNIQUE (message_id)
);
CREATE INDEX ix_outbox_due ON outbox (state, next_try_us, id);
CREATE INDEX ix_outbox_queue ON outbox (contact, recipient, channel, state, sent_us);
CREATE TABLE retained (
  path TEXT NOT NULL,
  value TEXT NOT NULL,
  time_us BIGINT NOT NULL,
  PRIMARY KEY (path)
);
CREATE TABLE schema_version (
  version INTEGER NOT NULL,
  PRIMARY KEY (version)
);
CREATE TABLE user (
  name TEXT NOT NULL,
  role TEXT NOT NULL,
  password_hash TEXT NOT NULL,
  language TEXT NOT NULL,
  disabled BOOLEAN NOT NULL,
  PRIMARY KEY (name)
);
INSERT INTO schema_version VALUES (2);
