// Places: elements that name tags (data-t) and a format (data-f). Values come raw; they are formatted here.
const FORCED = 0x00960000;
const WAITING = 0x80320000;
const DASH = "–";

function qualityOf(quality) {
  if (quality === FORCED) return "forced";
  if (quality === WAITING) return "wait";
  return ["good", "uncertain", "bad", "bad"][quality >>> 30];
}

const SIGNS = { uncertain: "\u202f?", forced: "\u202f☚" };
const WORSE = { good: 0, forced: 1, uncertain: 2, wait: 3, bad: 4 };

export class Live {
  constructor(options) {
    this.options = options;
    this.values = new Map();
    this.places = new Map();
    this.ticking = new Set();
    this.ends = [];
    this.forced = {};
    this.numbers = [];
    this.offset = 0;
    const zone = { timeZone: options.timezone, hourCycle: "h23" };
    const clock = { hour: "2-digit", minute: "2-digit", second: "2-digit" };
    const day = { day: "2-digit", month: "2-digit" };
    this.time = new Intl.DateTimeFormat(options.locale, { ...zone, ...clock });
    this.dateTime = new Intl.DateTimeFormat(options.locale, { ...zone, ...clock, ...day });
    this.day = new Intl.DateTimeFormat(options.locale, { ...zone, ...day, year: "numeric" });
  }

  now() {
    return Date.now() + this.offset;
  }

  number(value, decimals) {
    this.numbers[decimals] ||= new Intl.NumberFormat(this.options.locale, {
      minimumFractionDigits: decimals, maximumFractionDigits: decimals,
    });
    return this.numbers[decimals].format(value);
  }

  // A time of today as time, an older one with its day.
  moment(milliseconds) {
    if (!milliseconds) return "";
    const today = this.day.format(milliseconds) === this.day.format(this.now());
    return (today ? this.time : this.dateTime).format(milliseconds);
  }

  word(value) {
    return this.options.words[String(value)] ?? String(value);
  }

  bind(root) {
    for (const place of this.ticking) if (!place.element.isConnected) this.ticking.delete(place);
    for (const [index, list] of this.places) {
      const kept = list.filter((place) => place.element.isConnected);
      if (kept.length !== list.length) this.places.set(index, kept);
    }
    this.ends = [...this.ends.filter((end) => end.isConnected), ...root.querySelectorAll("[data-until]")];
    const elements = [...root.querySelectorAll("[data-t]")];
    for (const element of elements) {
      const place = { element, indexes: element.dataset.t.split(",").map(Number), format: element.dataset.f };
      for (const index of place.indexes) {
        if (!this.places.has(index)) this.places.set(index, []);
        this.places.get(index).push(place);
      }
      if (place.format === "since") this.ticking.add(place);
      this.show(place);
    }
  }

  patch(message) {
    const touched = new Set();
    for (let k = 0; k < message.i.length; k++) {
      const index = message.i[k];
      this.values.set(index, { v: message.v[k], q: message.q[k], t: message.t[k], n: index });
      for (const place of this.places.get(index) || []) touched.add(place);
    }
    for (const place of touched) this.show(place);
  }

  tick() {
    for (const place of this.ticking) this.show(place);
    for (const end of this.ends) this.text(end, this.left(Number(end.dataset.until) - this.now()));
  }

  // How long something that ends at a moment still lasts: `0:14:59`.
  left(milliseconds) {
    const seconds = Math.ceil(milliseconds / 1000);
    if (seconds <= 0) return `(${this.options.texts.over})`;
    const two = (n) => String(n).padStart(2, "0");
    return `(${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)})`;
  }

  // Who holds which tag, why and until when: what a forced value says when it is pointed at.
  setForced(forced) {
    const before = this.forced;
    this.forced = forced;
    for (const index of new Set([...Object.keys(before), ...Object.keys(forced)]))
      for (const place of this.places.get(Number(index)) || []) this.show(place);
  }

  whoForced(tags) {
    const tag = tags.find((one) => one && this.forced[one.n]);
    if (!tag) return this.options.texts.q_forced;
    const [user, reason, until] = this.forced[tag.n];
    const { texts } = this.options;
    const end = until ? `, ${texts.until.replace("{time}", () => this.moment(until))}` : "";
    return texts.forced_by.replace("{user}", () => user).replace("{reason}", () => reason) + end;
  }

  show(place) {
    const tags = place.indexes.map((index) => this.values.get(index));
    const format = FORMATS[place.format];
    if (format) format.call(this, place.element, tags, place.element.dataset);
  }

  text(element, text) {
    if (element.textContent !== text) element.textContent = text;
  }

  // The worst quality of the tags stands on the element; its words are in the tooltip.
  mark(element, tags) {
    let worst = "good";
    let seen = 0;
    for (const tag of tags) {
      const quality = tag ? qualityOf(tag.q) : "wait";
      if (WORSE[quality] > WORSE[worst]) worst = quality;
      if (tag && quality !== "good") seen = Math.max(seen, tag.t);
    }
    if (element.dataset.q !== worst) element.dataset.q = worst;
    const { texts } = this.options;
    let title = worst === "good" ? "" : worst === "forced" ? this.whoForced(tags) : texts[`q_${worst}`];
    if (title && seen) title += ` – ${this.lastSeen(seen)}`;
    if (element.title !== title) element.title = title;
    return worst;
  }

  lastSeen(milliseconds) {
    return this.options.texts.last_seen.replace("{time}", this.moment(milliseconds));
  }

  // Text of a value that may be missing: a bad one is a dash.
  usable(element, tags, make) {
    const quality = this.mark(element, tags);
    const value = tags[0]?.v;
    const none = quality === "bad" || quality === "wait" || value === null || value === undefined || value === "";
    // In a drawing nothing can be put after a text by style: the sign of its quality is a part of it.
    const sign = none || !element.ownerSVGElement ? "" : (SIGNS[quality] ?? "");
    this.text(element, none ? DASH : make(value) + sign);
  }
}

// Dashes of a path of length 1: drawn so far, or a mark at that place.
function dashes(kind, share) {
  if (share === null) return kind === "level" ? "0 1" : "0 0 0 1";
  return kind === "level" ? `${share.toFixed(3)} 1` : `0 ${Math.max(0, share - 0.02).toFixed(3)} 0.04 1`;
}

function usableNumbers(tags) {
  return tags.map((tag) => (tag && typeof tag.v === "number" && tag.q >>> 30 < 2 ? tag.v : null));
}

const FORMATS = {
  number(element, tags, data) {
    this.usable(element, tags, (value) => this.number(value, Number(data.d || 0)));
  },
  text(element, tags) {
    this.usable(element, tags, String);
  },
  word(element, tags) {
    this.usable(element, tags, (value) => this.word(value));
  },
  datetime(element, tags) {
    this.usable(element, tags, (value) => `${this.day.format(value * 1000)} ${this.time.format(value * 1000)}`);
  },
  // A transaction's number: a name, not a quantity; 0 stands for none.
  transaction(element, tags) {
    this.usable(element, tags, (value) => (value === 0 ? DASH : String(value)));
  },
  time(element, tags) {
    this.text(element, tags[0] ? this.moment(tags[0].t) : "");
  },
  quality(element, tags) {
    const quality = this.mark(element, tags);
    this.text(element, this.options.texts[`q_${quality}`]);
  },
  // [status, online]: a connector's state in words; without a link that is said first.
  status(element, [status, online]) {
    if (online && online.v === false) {
      element.dataset.q = "good";
      this.text(element, this.word("Offline"));
      return;
    }
    this.usable(element, [status], (value) => this.word(value));
  },
  link(element, [online]) {
    if (online && online.v === false) this.text(element, this.word("Offline"));
    else if (online && online.v === true) this.text(element, "");
    else this.usable(element, [online], () => "");
  },
  // [status, online]: state and quality of a whole card, for its symbol and colours.
  card(element, [status, online]) {
    const offline = online && online.v === false;
    const state = offline ? "Offline" : status && typeof status.v === "string" ? status.v : "";
    if (element.dataset.state !== state) element.dataset.state = state;
    const quality = status ? qualityOf(status.q) : "wait";
    if (element.dataset.q !== quality) element.dataset.q = quality;
  },
  // A symbol of a view: its tags by role (data-roles), its scale from data-low to data-high.
  symbol(element, tags, data) {
    const roles = {};
    data.roles.split(" ").forEach((role, k) => (roles[role] = tags[k]));
    const { state, online, value, limit, quality } = roles;
    const raw = state?.v;
    const own = typeof raw === "boolean" ? (raw ? "on" : "off") : typeof raw === "string" ? raw : "";
    const shown = online?.v === false ? "Offline" : own;
    if (element.dataset.state !== shown) element.dataset.state = shown;
    const judged = "quality" in roles ? [quality] : ["state", "value"].filter((role) => role in roles).map((role) => roles[role]);
    const worst = judged.map((tag) => (tag ? qualityOf(tag.q) : "wait")).sort((a, b) => WORSE[b] - WORSE[a])[0] ?? "good";
    if (element.dataset.q !== worst) element.dataset.q = worst;
    for (const [name, tag] of [["value", value], ["limit", limit]]) {
      if (!(name in roles)) continue;
      const [number] = usableNumbers([tag]);
      const share = number === null ? null : Math.min(1, Math.max(0, (number - data.low) / (data.high - data.low)));
      for (const part of element.querySelectorAll(`[data-${name}]`)) part.setAttribute("stroke-dasharray", dashes(part.dataset[name], share));
    }
  },
  // The sum of all that is known; with a tag missing it says that it is not sure.
  sum(element, tags, data) {
    const numbers = usableNumbers(tags).filter((n) => n !== null);
    this.mark(element, numbers.length ? tags.filter((tag) => tag && tag.q >>> 30 < 2) : [undefined]);
    this.text(element, numbers.length ? this.number(numbers.reduce((a, b) => a + b, 0), Number(data.d || 0)) : DASH);
  },
  // The tick of a limit on a bar; without one there is none.
  tick(element, tags, data) {
    const [limit] = usableNumbers(tags);
    element.hidden = limit === null;
    if (limit !== null) element.style.left = `${Math.min(100, Math.max(0, (limit / data.max) * 100)).toFixed(1)}%`;
  },
  // [in transaction, energy, status]: the card's last line; an old state says when it was seen.
  session(element, [running, energy, status]) {
    const old = status && WORSE[qualityOf(status.q)] >= 2 && status.v !== null;
    if (old) this.text(element, this.lastSeen(status.t));
    else if (running?.v === true && typeof energy?.v === "number") this.text(element, `${this.number(energy.v, 1)} kWh`);
    else this.text(element, "");
  },
  soc(element, [soc, running]) {
    const shown = running?.v === true && typeof soc?.v === "number" && soc.q >>> 30 < 2;
    if (shown) this.mark(element, [soc]);
    this.text(element, shown ? `${this.number(soc.v, 0)} %` : "");
  },
  // [start (epoch seconds), in transaction]: how long a session has run.
  since(element, [start, running]) {
    if (running?.v !== true || typeof start?.v !== "number") return this.text(element, DASH);
    const seconds = Math.max(0, Math.floor(this.now() / 1000 - start.v));
    const two = (n) => String(n).padStart(2, "0");
    this.text(element, `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`);
  },
  max(element, tags, data) {
    const numbers = usableNumbers(tags).filter((n) => n !== null);
    const present = tags.filter(Boolean);
    this.mark(element, present.length ? present : [undefined]);
    this.text(element, numbers.length ? this.number(Math.max(...numbers), Number(data.d || 0)) : DASH);
  },
  maxphase(element, tags) {
    const numbers = usableNumbers(tags);
    const usable = numbers.filter((n) => n !== null);
    const { texts } = this.options;
    if (!usable.length) return this.text(element, texts.all_phases.toLowerCase());
    const phase = `L${numbers.indexOf(Math.max(...usable)) + 1}`;
    this.text(element, texts.phase.replace("{phase}", phase));
  },
  bar(element, tags, data) {
    const numbers = usableNumbers(tags).filter((n) => n !== null);
    const share = numbers.length ? Math.max(...numbers) / Number(data.max) : 0;
    element.style.width = `${Math.min(100, Math.max(0, share * 100)).toFixed(1)}%`;
    element.classList.toggle("over", share > 1);
  },
  // A button that makes sense only while its tags have the wanted values.
  enable(element, tags, data) {
    const wanted = data.want.split(",");
    const possible = tags.every((tag, k) => tag && String(tag.v) === wanted[k]);
    // Not the attribute `disabled`: the reason stays readable, the focus stays where it is.
    element.setAttribute("aria-disabled", String(!possible));
    element.title = possible ? "" : this.options.texts.not_now;
  },
};
