// Banner, counters, marks, and what is out of service or forced. Texts come from the server in the page's language.
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== null) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

// White or black, whichever reads better on a colour (WCAG 2.1 relative luminance).
function inkOn(colour) {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const part = parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? "#000000" : "#ffffff";
}

export class Alarms {
  constructor(root, options, live, sound) {
    Object.assign(this, { root, options, live, sound, texts: options.texts, marks: {}, outages: {} });
    const parts = { timeZone: options.timezone, hourCycle: "h23", hour: "2-digit", minute: "2-digit", second: "2-digit" };
    this.precise = new Intl.DateTimeFormat(options.locale, { ...parts, fractionalSecondDigits: 3 });
  }

  // The mark of a priority: colour, shape and number; the state by how its outline blinks.
  prio(priority, state, level) {
    const look = this.options.levels[level];
    const name = look?.name ?? "";
    const words = `${this.texts.priority} ${priority} ${this.options.priorities[priority - 1]}, ${this.texts[`state_${state}`]}, ${level} ${name}`;
    const still = look && !look.flash ? " still" : "";
    const mark = make("span", { class: `prio p${priority} ${state}${still}`, title: words, role: "img", "aria-label": words },
      make("i", {}, String(priority)));
    if (look?.colour) {
      mark.style.setProperty("--c", look.colour);
      mark.style.setProperty("--t", inkOn(look.colour));
    }
    return mark;
  }

  summary(message) {
    for (const element of this.root.querySelectorAll("[data-count]")) {
      element.textContent = String(message[element.dataset.count]);
      element.parentElement.classList.toggle("some", message[element.dataset.count] > 0);
    }
    this.banner(message.banner);
    this.sound.hear(message.banner, this.options.levels);
    this.marks = message.marks;
    this.outages = message.outages;
    this.live.setForced(message.forced);
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
      this.prio(alarm.prio, alarm.state, alarm.level),
      make("b", { class: "time" }, `${this.precise.format(alarm.raised)} ${alarm.device}`),
      make("a", { class: "banner-text", href: `/alarm/${encodeURIComponent(alarm.path)}` }, alarm.value ? `${alarm.text} (${alarm.value})` : alarm.text),
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
      element.replaceChildren(...(mark ? [this.prio(...mark)] : []));
    }
    for (const element of root.querySelectorAll("[data-outage]")) this.outage(element);
    for (const element of root.querySelectorAll("[data-outage-own]")) element.hidden = !this.outages[element.dataset.outageOwn];
  }

  // A badge where the branch, or one that it lies in, is out of service.
  outage(element) {
    let branch = element.dataset.outage;
    while (branch && !this.outages[branch]) branch = branch.slice(0, Math.max(0, branch.lastIndexOf(".")));
    const found = branch ? this.outages[branch] : null;
    const key = JSON.stringify(found);
    if (element.dataset.shown === key) return;
    element.dataset.shown = key;
    if (!found) return element.replaceChildren();
    const title = this.told(this.texts.out_of_service_by, found);
    const words = element.classList.contains("small") ? "⊘" : `⊘ ${this.texts.out_of_service}`;
    element.replaceChildren(make("span", { class: "outage-badge", title, "aria-label": title, role: "img" }, words));
  }

  told(text, [user, reason, until]) {
    const end = until ? `, ${this.texts.until.replace("{time}", () => this.live.moment(until))}` : "";
    return text.replace("{user}", () => user).replace("{reason}", () => reason) + end;
  }
}
