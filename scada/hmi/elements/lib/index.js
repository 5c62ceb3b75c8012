// One page: puts the parts together.
import { Actions } from "./actions.js";
import { AlarmList } from "./alarm_list.js";
import { Alarms } from "./alarms.js";
import { Dialogs } from "./dialogs.js";
import { Link } from "./link.js";
import { Live } from "./live.js";
import { Sound } from "./sound.js";
import { Trends } from "./trends.js";

export class Page {
  constructor(root, props, send) {
    root.innerHTML = props.html; // made and escaped by the server's templates
    this.root = root;
    this.options = props.options;
    document.documentElement.lang = props.options.language;
    document.documentElement.dataset.theme = props.options.theme;
    this.live = new Live(props.options);
    this.sound = new Sound(root, props.options);
    this.alarms = new Alarms(root, props.options, this.live, this.sound);
    this.list = new AlarmList(root, props.options, this.alarms);
    this.link = new Link(root, props.options, send);
    this.dialogs = new Dialogs(root);
    this.actions = new Actions(root, props.options, send, this);
    this.live.bind(root);
    this.live.patch(props.snapshot);
    this.alarms.summary(props.alarms);
    this.clock = root.querySelector("[data-clock]");
    this.clockFormat = new Intl.DateTimeFormat(props.options.locale, {
      hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23", timeZone: props.options.timezone,
    });
  }

  start() {
    this.link.start({
      scada_tags: (message) => this.live.patch(message),
      scada_alarms: (message) => this.alarms.summary(message),
      scada_alarmlist: (message) => this.list.show(message),
      scada_beat: (message) => this.setNow(message.now),
      scada_snapshot: (message) => this.snapshot(message),
      scada_fragment: (message) => this.fragment(message),
      scada_toast: (message) => this.actions.toast(message),
      scada_goto: (message) => location.assign(message.url),
    });
    this.timer = setInterval(() => this.tick(), 1000);
    this.trends = new Trends(this.root, this.options, this.live);
  }

  stop() {
    clearInterval(this.timer);
    this.link.stop();
    this.actions.stop();
    this.sound.stop();
    this.trends?.stop();
  }

  snapshot(message) {
    this.setNow(message.now);
    this.live.patch(message.tags);
    this.alarms.summary(message.alarms);
    if (message.list) this.list.show(message.list);
  }

  fragment(message) {
    const slot = this.root.querySelector(`[data-slot="${CSS.escape(message.slot)}"]`);
    if (!slot) return;
    const open = new Set([...slot.querySelectorAll("details[data-key][open]")].map((one) => one.dataset.key));
    slot.innerHTML = message.html; // made and escaped by the server's templates
    for (const one of slot.querySelectorAll("details[data-key]")) one.open = open.has(one.dataset.key);
    this.live.bind(slot);
    this.live.patch(message.tags);
    this.alarms.paint(slot);
  }

  // The clock and all durations go by the server's time: a browser's may be wrong.
  setNow(now) {
    this.live.offset = now - Date.now();
    this.tick();
  }

  tick() {
    if (document.hidden) return;
    this.live.tick();
    if (this.clock && !this.link.lost) this.clock.textContent = this.clockFormat.format(this.live.now());
  }
}
