// Trends: curves of several tags on one time axis. The server thins; here they are drawn, zoomed and kept live.
const SCRIPT = "/hmi/static/uPlot.iife.min.js";
const DASHES = [[], [8, 4], [2, 3], [10, 3, 2, 3], [], [8, 4], [2, 3], [10, 3, 2, 3]];
const SPAN_MIN_S = 1;
const LIVE_MS = [1000, 30000];
const FETCH_TIMEOUT_MS = 20000;

function load() {
  if (window.uPlot) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = SCRIPT;
    script.onload = resolve;
    script.onerror = () => reject(new Error(SCRIPT));
    document.head.append(script);
  });
}

export class Trends {
  constructor(root, options, live) {
    const holder = root.querySelector("[data-trends]");
    this.plot = root.querySelector("[data-trend-plot]");
    if (!holder || !this.plot) return;
    Object.assign(this, { root, options, live, config: JSON.parse(holder.dataset.trends) });
    this.style = getComputedStyle(document.documentElement);
    this.listeners = new AbortController();
    const { signal } = this.listeners;
    holder.addEventListener("click", (event) => this.click(event), { signal });
    document.addEventListener("visibilitychange", () => document.hidden || this.fetch(), { signal });
    const zone = { timeZone: options.timezone, hourCycle: "h23" };
    const format = (parts) => new Intl.DateTimeFormat(options.locale, { ...zone, ...parts });
    const two = "2-digit";
    this.day = format({ day: two, month: two });
    this.minute = format({ hour: two, minute: two });
    this.second = format({ hour: two, minute: two, second: two });
    this.whole = format({ day: two, month: two, year: "numeric", hour: two, minute: two, second: two });
    load().then(() => this.begin(), (error) => this.trouble(error));
  }

  stop() {
    if (!this.listeners) return;
    this.listeners.abort();
    clearTimeout(this.timer);
    this.observer?.disconnect();
    this.chart?.destroy();
  }

  begin() {
    if (this.listeners.signal.aborted) return;
    this.observer = new ResizeObserver(() => this.chart?.setSize(this.size()));
    this.observer.observe(this.plot);
    this.fetch();
  }

  get fixed() {
    return this.config.from !== null;
  }

  // What is shown, in milliseconds.
  span() {
    const { from, to, span_s } = this.config;
    if (this.fixed) return [from, to];
    const now = Math.round(this.live.now());
    return [now - span_s * 1000, now];
  }

  size() {
    const width = this.plot.clientWidth;
    return { width, height: Math.max(240, Math.min(560, Math.round(window.innerHeight * 0.5))) };
  }

  click(event) {
    const button = event.target.closest("[data-trend-span], [data-trend-move]");
    if (!button) return;
    const { trendSpan, trendMove } = button.dataset;
    if (trendSpan) return this.goLive(Number(trendSpan));
    const [from, to] = this.span();
    const width = to - from;
    if (trendMove === "earlier") this.go(from - width / 2, to - width / 2);
    else if (trendMove === "later") this.go(from + width / 2, to + width / 2);
    else if (trendMove === "in") this.go(from + width / 4, to - width / 4);
    else this.go(from - width / 2, to + width / 2);
  }

  goLive(span_s) {
    Object.assign(this.config, { span_s, from: null, to: null });
    this.moved();
  }

  go(from, to, wait = 0) {
    if (to - from < SPAN_MIN_S * 1000 || from < 0) return;
    Object.assign(this.config, { from: Math.round(from), to: Math.round(to) });
    this.moved(wait);
  }

  moved(wait = 0) {
    const { span_s } = this.config;
    const [from, to] = this.span();
    const put = (url) => {
      for (const name of ["from", "to", "span"]) url.searchParams.delete(name);
      if (this.fixed) {
        url.searchParams.set("from", from);
        url.searchParams.set("to", to);
      } else url.searchParams.set("span", span_s);
      return url;
    };
    history.replaceState(history.state, "", put(new URL(location.href)));
    for (const link of this.root.querySelectorAll("a[data-keep]")) link.href = put(new URL(link.href)).href;
    for (const field of this.root.querySelectorAll(".trend-search input[type=hidden]")) {
      if (field.name !== "tags") field.remove();
    }
    const form = this.root.querySelector(".trend-search");
    for (const [name, value] of this.fixed ? [["from", from], ["to", to]] : [["span", span_s]]) {
      const field = Object.assign(document.createElement("input"), { type: "hidden", name, value });
      form.append(field);
    }
    this.chart?.setScale("x", { min: from / 1000, max: to / 1000 });
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.fetch(), wait);
  }

  say() {
    const [from, to] = this.span();
    for (const button of this.root.querySelectorAll("[data-trend-span]")) {
      button.setAttribute("aria-pressed", String(!this.fixed && Number(button.dataset.trendSpan) === this.config.span_s));
    }
    const text = `${this.whole.format(from)} – ${this.fixed ? this.whole.format(to) : this.options.texts.trend_now}`;
    this.root.querySelector("[data-trend-span-text]").textContent = text;
    const query = new URLSearchParams({ tags: this.paths(), from, to });
    this.root.querySelector("[data-trend-csv]").href = `/trends.csv?${query}`;
  }

  paths() {
    return this.config.tags.map((tag) => tag.path).join(",");
  }

  async fetch() {
    clearTimeout(this.timer);
    if (document.hidden || this.listeners.signal.aborted) return; // a hidden page costs nothing
    const [from, to] = this.span();
    const turn = (this.turn = (this.turn || 0) + 1);
    try {
      const query = new URLSearchParams({ tags: this.paths(), from, to, pixels: Math.max(100, this.plot.clientWidth) });
      const answer = await fetch(`/trends/data?${query}`, { signal: AbortSignal.timeout(FETCH_TIMEOUT_MS) });
      if (!answer.ok) throw new Error(`${answer.status}`);
      const { series } = await answer.json();
      if (turn !== this.turn || this.listeners.signal.aborted) return;
      this.show(series, from, to);
      this.trouble(null);
    } catch (error) {
      if (turn === this.turn) this.trouble(error);
    }
    if (turn === this.turn && !this.fixed) {
      const pause = Math.min(LIVE_MS[1], Math.max(LIVE_MS[0], (to - from) / 500));
      this.timer = setTimeout(() => this.fetch(), pause);
    }
  }

  trouble(error) {
    const place = this.root.querySelector("[data-trend-trouble]");
    place.hidden = !error;
    if (error) place.textContent = this.options.texts.trend_failed;
  }

  show(series, from, to) {
    this.doubt = series.map((one) => one.doubt);
    const tables = series.map((one) => [one.t.map((time) => time / 1000), one.v, one.lo, one.hi]);
    const joined = tables.some((table) => table[0].length) ? window.uPlot.join(tables) : [[], ...tables.flatMap(() => [[], [], []])];
    if (!this.chart) {
      this.plot.replaceChildren();
      this.chart = new window.uPlot(this.settings(), joined, this.plot);
    } else this.chart.setData(joined, false);
    this.chart.setScale("x", { min: from / 1000, max: to / 1000 });
    this.say();
  }

  colour(name) {
    return this.style.getPropertyValue(name).trim();
  }

  settings() {
    const { tags } = this.config;
    const stepped = window.uPlot.paths.stepped({ align: 1 });
    const scale = (tag) => (tag.bit ? "bit" : `u ${tag.unit}`);
    const scales = { x: { time: true, auto: false } };
    const series = [{}];
    const bands = [];
    const axes = [this.axis({ values: (_, splits, __, ___, step) => splits.map((at) => this.tick(at, step)) })];
    tags.forEach((tag, place) => {
      const key = scale(tag);
      if (!(key in scales)) {
        scales[key] = tag.bit ? { range: [-0.1, 1.1] } : {};
        const side = axes.length % 2 ? 3 : 1;
        axes.push(this.axis({
          scale: key, side, size: 64, grid: { show: axes.length === 1, stroke: this.colour("--line"), width: 1 },
          values: (_, splits) => splits.map((value) => (tag.bit ? (value === 0 || value === 1 ? this.live.word(value === 1) : "") : this.amount(value, splits[1] - splits[0]))),
          label: tag.unit || undefined, labelSize: tag.unit ? 18 : 0,
        }));
      }
      const stroke = this.colour(`--t${place + 1}`);
      const edge = { scale: key, paths: stepped, width: 0, points: { show: false } };
      series.push({ scale: key, paths: stepped, stroke, width: 2, dash: DASHES[place], points: { show: false } }, { ...edge }, { ...edge });
      bands.push({ series: [place * 3 + 3, place * 3 + 2], fill: `${stroke}55` });
    });
    return {
      ...this.size(),
      scales, series, bands, axes,
      tzDate: (at) => window.uPlot.tzDate(new Date(at * 1000), this.options.timezone),
      legend: { show: false },
      cursor: { drag: { x: true, y: false, setScale: false }, points: { show: false } },
      hooks: {
        setCursor: [(chart) => this.cursor(chart)],
        setSelect: [(chart) => this.selected(chart)],
        draw: [(chart) => this.drawDoubt(chart)],
        ready: [(chart) => this.wheel(chart)],
      },
    };
  }

  axis(settings) {
    const stroke = this.colour("--dim");
    const ticks = { stroke: this.colour("--line"), width: 1 };
    return { stroke, font: "11px sans-serif", labelFont: "11px sans-serif", ticks, grid: ticks, ...settings };
  }

  amount(value, step) {
    if (value === null) return "";
    const decimals = step >= 1 && Number.isInteger(step) ? 0 : Math.min(6, Math.max(1, Math.ceil(-Math.log10(step || 1))));
    return this.live.number(value, decimals);
  }

  tick(at, step) {
    const format = step >= 86400 ? this.day : step >= 60 ? this.minute : this.second;
    const text = format.format(at * 1000);
    return format === this.minute && text === "00:00" ? this.day.format(at * 1000) : text;
  }

  selected(chart) {
    const { left, width } = chart.select;
    if (width < 5) return;
    const [from, to] = [chart.posToVal(left, "x"), chart.posToVal(left + width, "x")];
    chart.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
    this.go(from * 1000, to * 1000);
  }

  wheel(chart) {
    const { signal } = this.listeners;
    chart.over.addEventListener("wheel", (event) => {
      event.preventDefault();
      const [from, to] = this.span();
      const at = chart.posToVal(event.clientX - chart.over.getBoundingClientRect().left, "x") * 1000;
      const factor = event.deltaY < 0 ? 0.75 : 1 / 0.75;
      this.go(at - (at - from) * factor, at + (to - at) * factor, 150);
    }, { passive: false, signal });
    chart.over.addEventListener("dblclick", () => this.goLive(this.config.span_s), { signal });
  }

  // The values at the cursor: what held at that moment.
  cursor(chart) {
    const { idx } = chart.cursor;
    const over = idx !== null && idx !== undefined && chart.cursor.left >= 0;
    const at = over ? chart.posToVal(chart.cursor.left, "x") : 0;
    this.root.querySelector("[data-cursor-time]").textContent = over ? this.second.format(at * 1000) : "";
    this.config.tags.forEach((tag, place) => {
      const column = chart.data[place * 3 + 1];
      let row = over ? idx : -1;
      while (row >= 0 && (chart.data[0][row] > at || column[row] === undefined)) row--;
      const value = row < 0 ? null : column[row];
      const text = value === null || value === undefined ? (over ? "–" : "") : tag.bit ? this.live.word(value === 1) : this.live.number(value, tag.decimals);
      this.root.querySelector(`[data-cursor="${place}"]`).textContent = text;
    });
  }

  // A bar at the foot for each tag: thin where its quality was doubtful, thick where it was bad.
  drawDoubt(chart) {
    const { ctx } = chart;
    const { left, top, width, height } = chart.bbox;
    const ratio = window.devicePixelRatio || 1;
    ctx.save();
    this.doubt?.forEach((stretches, place) => {
      ctx.fillStyle = this.colour(`--t${place + 1}`);
      const foot = top + height - (place + 1) * 6 * ratio;
      for (const [from, to, severity] of stretches) {
        const begin = Math.max(left, chart.valToPos(from / 1000, "x", true));
        const end = Math.min(left + width, chart.valToPos(to / 1000, "x", true));
        if (end > begin) ctx.fillRect(begin, foot, Math.max(1, end - begin), (severity === 2 ? 5 : 2) * ratio);
      }
    });
    ctx.restore();
  }
}
