// The alarm list: groups when they are many, rows, and details that the server renders when they are opened.
import { make } from "./alarms.js";

export class AlarmList {
  constructor(root, options, alarms) {
    Object.assign(this, { root, options, alarms, texts: options.texts, rows: new Map(), counts: { waiting: 0, now: 0 } });
    this.table = root.querySelector("[data-alarmlist]");
    const clock = { hour: "2-digit", minute: "2-digit", second: "2-digit", day: "2-digit", month: "2-digit" };
    this.time = new Intl.DateTimeFormat(options.locale, { timeZone: options.timezone, hourCycle: "h23", ...clock });
  }

  show(message) {
    if (!this.table) return;
    this.counts = message;
    const kept = new Map();
    for (const alarm of message.rows) {
      const old = this.rows.get(alarm.path);
      const key = JSON.stringify(alarm);
      kept.set(alarm.path, old && old.key === key ? old : this.row(alarm, key, old));
    }
    this.rows = kept;
    const rows = [...kept.values()].flatMap((row) => (row.more ? [row.line, row.more] : [row.line]));
    // Only what moved is moved: focus and selections stay where they are.
    const body = this.table.tBodies[0];
    rows.forEach((row, k) => {
      if (body.children[k] !== row) body.insertBefore(row, body.children[k] || null);
    });
    while (body.children.length > rows.length) body.lastChild.remove();
    this.groups(message.groups);
    this.note(message);
  }

  note({ rows, total, fits, groups }) {
    const note = this.root.querySelector("[data-alarmlist-note]");
    const { texts } = this;
    if (!total) note.textContent = texts.no_alarms;
    else if (!fits) note.textContent = texts.no_match;
    else if (rows.length < fits) note.textContent = texts.more_rows.replace("{shown}", rows.length).replace("{total}", fits);
    else note.textContent = "";
    this.root.querySelector("[data-alarmlist-flood]").textContent = groups.length ? texts.flood.replace("{count}", fits) : "";
  }

  groups(groups) {
    const place = this.root.querySelector("[data-alarmgroups]");
    place.hidden = !groups.length;
    const key = JSON.stringify(groups);
    if (key === this.groupsKey) return;
    this.groupsKey = key;
    const { texts } = this;
    const lines = groups.map((group) => {
      const url = new URL(location.href);
      url.searchParams.set(group.by, group.key);
      const acts = make("td", { class: "row-actions" }, make("a", { href: url.pathname + url.search }, texts.show));
      if (group.may_ack) {
        const given = JSON.stringify({ [group.by]: group.key });
        acts.append(" ", make("button", { type: "button", class: "link", "data-action": "dialog", "data-dialog-name": "acknowledge_branch", "data-given": given, "data-title": `${texts.acknowledge_many.replace("{count}", group.may_ack)} · ${group.name}` }, texts.acknowledge));
      }
      return make("tr", { "data-group": group.key },
        make("td", {}, this.alarms.prio(group.prio, group.state, group.level)),
        make("td", {}, make("a", { href: url.pathname + url.search }, group.name)),
        make("td", { class: "right num" }, String(group.count)),
        make("td", { class: "right num" }, String(group.unack)),
        make("td", { class: "time" }, this.time.format(group.newest)),
        acts);
    });
    place.querySelector("tbody").replaceChildren(...lines);
  }

  row(alarm, key, old) {
    const { texts } = this;
    const cells = [];
    let pick = null;
    if (this.table.dataset.may) {
      pick = make("input", { type: "checkbox", "data-pick": alarm.path, "aria-label": `${texts.select}: ${alarm.device} ${alarm.text}` });
      pick.disabled = !alarm.may_ack && !alarm.may_mask;
      pick.checked = Boolean(old?.pick?.checked) && !pick.disabled;
      cells.push(make("td", { class: "pick" }, pick));
    }
    const open = Boolean(old?.more);
    const details = make("button", { type: "button", class: "link", "data-action": "alarm-details", "data-path": alarm.path, "aria-expanded": String(open) }, texts.details);
    const state = [alarm.state === "ack" && alarm.user ? texts.acknowledged_by.replace("{user}", () => alarm.user) : texts[`state_${alarm.state}`]];
    const first = alarm.first ? [make("b", { class: "first-out", title: texts.first_out, role: "img", "aria-label": texts.first_out }, "①"), " "] : [];
    const states = make("td", {}, state.join(" · "));
    if (!alarm.journalled) states.append(" ", make("b", { class: "not-journalled" }, `✎̸ ${texts.not_journalled}`));
    cells.push(
      make("td", {}, this.alarms.prio(alarm.prio, alarm.state, alarm.level)),
      make("td", { class: "time" }, this.time.format(alarm.raised)),
      make("td", {}, make("a", { href: alarm.url }, alarm.device)),
      make("td", { class: "alarm-text" }, ...first, make("a", { href: `/alarm/${encodeURIComponent(alarm.path)}` }, alarm.text)),
      make("td", { class: "right num" }, alarm.value),
      states,
      make("td", { class: "row-actions" }, details),
    );
    if (alarm.may_ack)
      cells.at(-1).append(make("button", { type: "button", class: "link", "data-action": "ack-one", "data-path": alarm.path }, texts.acknowledge));
    const line = make("tr", { class: `alarm ${alarm.state}`, "data-alarm": alarm.path }, ...cells);
    return { key, alarm, pick, details, line, more: old?.more ?? null };
  }

  // Returns whether the details stand open now; the server fills and keeps up the slot.
  toggle(path) {
    const row = this.rows.get(path);
    if (!row) return false;
    if (row.more) {
      row.more.remove();
      row.more = null;
    } else {
      const cell = make("td", { colspan: this.table.tHead.rows[0].cells.length, "data-slot": `alarm-${path}` });
      row.more = make("tr", { class: "more" }, cell);
      row.line.after(row.more);
    }
    row.details.setAttribute("aria-expanded", String(Boolean(row.more)));
    return Boolean(row.more);
  }

  // Selected rows that may be acknowledged, or masked.
  picked(may) {
    return [...this.rows.values()].filter((row) => row.pick?.checked && row.alarm[may]).map((row) => row.alarm.path);
  }

  pickAll(checked) {
    for (const row of this.rows.values()) if (row.pick && !row.pick.disabled) row.pick.checked = checked;
  }
}
