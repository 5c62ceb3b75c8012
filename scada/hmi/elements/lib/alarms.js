// Banner, counters, marks and the alarm list. Texts come from the server in the page's language, as data.
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== null) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

export class Alarms {
  constructor(root, options, live) {
    this.root = root;
    this.options = options;
    this.texts = options.texts;
    this.live = live;
    this.marks = {};
    this.rows = new Map();
    this.table = root.querySelector("[data-alarmlist]");
    const parts = { timeZone: options.timezone, hourCycle: "h23", hour: "2-digit", minute: "2-digit", second: "2-digit" };
    this.precise = new Intl.DateTimeFormat(options.locale, { ...parts, fractionalSecondDigits: 3 });
    this.listTime = new Intl.DateTimeFormat(options.locale, { ...parts, day: "2-digit", month: "2-digit" });
  }

  // The mark of a priority: colour, shape and number; the state by how its outline blinks.
  prio(priority, state) {
    const words = `${this.texts.priority} ${priority} ${this.options.priorities[priority - 1]}, ${this.texts[`state_${state}`]}`;
    return make("span", { class: `prio p${priority} ${state}`, title: words, role: "img", "aria-label": words },
      make("i", {}, String(priority)));
  }

  summary(message) {
    for (const element of this.root.querySelectorAll("[data-count]")) {
      element.textContent = String(message[element.dataset.count]);
      element.parentElement.classList.toggle("some", message[element.dataset.count] > 0);
    }
    this.banner(message.banner);
    this.marks = message.marks;
    this.paint(this.root);
  }

  banner(alarm) {
    const place = this.root.querySelector("[data-banner]");
    if (!place) return; // a page without the right to see
    const key = JSON.stringify(alarm);
    if (key === this.bannerKey) return;
    this.bannerKey = key;
    if (!alarm) {
      place.replaceChildren(make("span", { class: "dim" }, this.texts.nothing_unacknowledged));
      return;
    }
    const acknowledge = make("button", { type: "button", class: "link", "data-action": "ack-one", "data-path": alarm.path }, this.texts.acknowledge);
    place.replaceChildren(
      this.prio(alarm.prio, alarm.state),
      make("b", { class: "time" }, `${this.precise.format(alarm.raised)} ${alarm.device}`),
      make("span", { class: "banner-text" }, alarm.value ? `${alarm.text} (${alarm.value})` : alarm.text),
      make("a", { href: alarm.url }, this.texts.show),
      ...(this.root.querySelector("[data-may-ack]") ? [acknowledge] : []),
    );
  }

  paint(root) {
    for (const element of root.querySelectorAll("[data-mark]")) {
      const mark = this.marks[element.dataset.mark];
      const key = mark ? mark.join() : "";
      if (element.dataset.shown === key) continue;
      element.dataset.shown = key;
      element.replaceChildren(...(mark ? [this.prio(mark[0], mark[1])] : []));
    }
  }

  fits(alarm) {
    const { site, prio, state } = this.table.dataset;
    if (site && alarm.site !== site) return false;
    if (prio && String(alarm.prio) !== prio) return false;
    if (state === "active") return alarm.state !== "returned";
    // "not acknowledged" is wider than "active and not acknowledged": returned ones wait too.
    if (state === "unack") return alarm.state !== "ack";
    return !state || alarm.state === state;
  }

  list(message) {
    if (!this.table) return;
    const shown = message.rows.filter((alarm) => this.fits(alarm));
    const kept = new Map();
    for (const alarm of shown) {
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
    const note = this.root.querySelector("[data-alarmlist-note]");
    const { texts } = this;
    if (!message.total) note.textContent = texts.no_alarms;
    else if (!shown.length) note.textContent = texts.no_match;
    else if (message.rows.length < message.total)
      note.textContent = texts.more_rows.replace("{shown}", message.rows.length).replace("{total}", message.total);
    else note.textContent = "";
  }

  row(alarm, key, old) {
    const { texts } = this;
    const cells = [];
    let pick = null;
    if (this.table.dataset.may) {
      pick = make("input", { type: "checkbox", "data-pick": alarm.path, "aria-label": `${texts.select}: ${alarm.device} ${alarm.text}` });
      pick.disabled = alarm.state === "ack";
      pick.checked = Boolean(old?.pick?.checked) && !pick.disabled;
      cells.push(make("td", { class: "pick" }, pick));
    }
    const open = Boolean(old?.more) || this.table.dataset.focus === alarm.path;
    const details = make("button", { type: "button", class: "link", "data-action": "alarm-details", "data-path": alarm.path, "aria-expanded": String(open) }, texts.details);
    const state = [texts[`state_${alarm.state}`]];
    if (alarm.state === "ack" && alarm.user) state[0] = texts.acknowledged_by.replace("{user}", alarm.user);
    if (!alarm.journalled) state.push(texts.not_journalled);
    cells.push(
      make("td", {}, this.prio(alarm.prio, alarm.state)),
      make("td", { class: "time" }, this.listTime.format(alarm.raised)),
      make("td", {}, make("a", { href: alarm.url }, alarm.device)),
      make("td", { class: "alarm-text" }, alarm.text),
      make("td", { class: "right num" }, alarm.value),
      make("td", {}, state.join(" · ")),
      make("td", { class: "row-actions" }, details),
    );
    if (this.table.dataset.may && alarm.state !== "ack")
      cells.at(-1).append(make("button", { type: "button", class: "link", "data-action": "ack-one", "data-path": alarm.path }, texts.acknowledge));
    const row = { key, alarm, pick, details, line: make("tr", { class: `alarm ${alarm.state}`, "data-alarm": alarm.path }, ...cells), more: null };
    if (open) row.more = this.more(alarm);
    return row;
  }

  more(alarm) {
    const { texts } = this;
    const list = make("dl", {});
    const add = (name, text) => text && list.append(make("dt", {}, name), make("dd", {}, text));
    add(texts.cause, alarm.cause);
    add(texts.consequence, alarm.consequence);
    add(texts.guidance, alarm.guidance);
    if (!list.children.length) list.append(make("dd", {}, texts.no_guidance));
    add(texts.comment, alarm.comment);
    add(texts.tag, alarm.path);
    return make("tr", { class: "more" }, make("td", { colspan: this.table.dataset.may ? 8 : 7 }, list));
  }

  toggle(path) {
    const row = this.rows.get(path);
    if (!row) return;
    if (row.more) row.more.remove();
    row.more = row.more ? null : this.more(row.alarm);
    if (row.more) row.line.after(row.more);
    row.details.setAttribute("aria-expanded", String(Boolean(row.more)));
    this.table.dataset.focus = "";
  }

  waiting() {
    return [...this.rows.values()].filter((row) => row.alarm.state !== "ack").map((row) => row.alarm.path);
  }

  picked() {
    return [...this.rows.values()].filter((row) => row.pick?.checked).map((row) => row.alarm.path);
  }

  pickAll(checked) {
    for (const row of this.rows.values()) if (row.pick && !row.pick.disabled) row.pick.checked = checked;
  }
}
