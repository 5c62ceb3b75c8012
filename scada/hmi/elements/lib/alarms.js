// Banner, counters, marks, and what is out of service or forced. Texts come from the server in the page's language.
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== null) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function draw(tag, attributes) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

// [shape, outline] by priority, in a box of 20 × 20: square, diamond, triangle, circle, flat.
const SHAPES = [
  ["M1 1h18v18H1z", "M-3 -3h26v26H-3z"],
  ["M10 -1 21 10 10 21 -1 10z", "M10 -6 26 10 10 26 -6 10z"],
  ["M10 -1 21 19H-1z", "M10 -9 28 23H-8z"],
  ["M10 0a10 10 0 1 1 0 20a10 10 0 1 1 0-20", "M10 -4a14 14 0 1 1 0 28a14 14 0 1 1 0-28"],
  ["M0 3h20v14H0z", "M-3 0h26v20H-3z"],
];

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

  // The same mark within a drawing.
  drawnPrio(priority, state, level) {
    const look = this.options.levels[level];
    const still = look && !look.flash ? " still" : "";
    const mark = draw("g", { class: `prio-svg p${priority} ${state}${still}` });
    const title = draw("title", {});
    title.textContent = `${this.texts.priority} ${priority} ${this.options.priorities[priority - 1]}, ${this.texts[`state_${state}`]}, ${level} ${look?.name ?? ""}`;
    const number = draw("text", { x: 10, y: priority === 3 ? 15.5 : 14.2, "text-anchor": "middle", "font-size": 12 });
    number.textContent = String(priority);
    if (look?.colour) {
      mark.style.setProperty("--c", look.colour);
      mark.style.setProperty("--t", inkOn(look.colour));
    }
    mark.append(title, draw("path", { class: "outline", d: SHAPES[priority - 1][1] }), draw("path", { class: "shape", d: SHAPES[priority - 1][0] }), number);
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
      const draw = element instanceof SVGElement ? this.drawnPrio : this.prio;
      element.replaceChildren(...(mark ? [draw.apply(this, mark)] : []));
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
