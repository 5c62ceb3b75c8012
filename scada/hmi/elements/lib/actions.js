// What the user does: one listener for the whole page. The server checks rights; here is only politeness.
import { Upload } from "./upload.js";

const TOAST_MS = { done: 6000, later: 10000, failed: 15000, unknown: 15000 };
const SHAPES = { running: "…", done: "✓", later: "◷", failed: "✕", unknown: "?" };
const TOASTS_MAX = 6;

export class Actions {
  constructor(root, options, send, { link, list, dialogs, sound }) {
    Object.assign(this, { root, options, send, link, list, dialogs, sound });
    this.toasts = new Map();
    this.clearing = new Map();
    this.serial = 0;
    this.upload = new Upload(root, options, this);
    this.listeners = new AbortController();
    const { signal } = this.listeners;
    root.addEventListener("click", (event) => this.click(event), { signal });
    root.addEventListener("submit", (event) => this.submit(event), { signal });
    document.addEventListener("keydown", (event) => this.key(event), { signal });
    window.addEventListener("popstate", () => this.select(new URLSearchParams(location.search).get("connector") || "", false), { signal });
  }

  stop() {
    this.upload.stop();
    this.listeners.abort();
  }

  key(event) {
    const typing = event.target.closest?.("input, select, textarea, dialog");
    if (event.key === "/" && !typing) {
      event.preventDefault();
      this.root.querySelector("[data-search]").focus();
    }
    if (event.key === "Escape" && this.closeMenus(null, true)) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") this.walk(event);
    const drawn = event.target.closest?.("g[role=button]");
    if (drawn && (event.key === "Enter" || event.key === " ")) {
      event.preventDefault();
      drawn.dispatchEvent(new MouseEvent("click", { bubbles: true }));
    }
    if (event.key === "Escape" && !typing && this.root.querySelector("[data-panel=open]")) this.select("");
  }

  // Menus of the top bar: one open at a time; Escape and a click elsewhere close it, arrows walk through it.
  closeMenus(but, refocus = false) {
    const open = [...this.root.querySelectorAll("[data-menu][open]")].filter((one) => one !== but);
    for (const one of open) {
      if (refocus && one.contains(document.activeElement)) one.querySelector("summary").focus();
      one.open = false;
    }
    return open.length > 0;
  }

  walk(event) {
    const menu = event.target.closest?.("[data-menu]");
    if (!menu) return;
    event.preventDefault();
    menu.open = true;
    const places = [menu.querySelector("summary"), ...menu.querySelectorAll("a")];
    const step = event.key === "ArrowDown" ? 1 : places.length - 1;
    places[(places.indexOf(event.target) + step) % places.length].focus();
  }

  click(event) {
    this.closeMenus(event.target.closest?.("[data-menu]"));
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    const card = event.target.closest("[data-select]");
    if (card) {
      event.preventDefault();
      this.select(card.dataset.select);
      return;
    }
    const element = event.target.closest("[data-action]");
    if (!element || element.tagName === "FORM") return;
    const { action, path } = element.dataset;
    if (this.refused(element)) return;
    if (action === "command") this.command(element, JSON.parse(element.dataset.arguments || "{}"));
    else if (action === "menu") this.menu(element);
    else if (action === "deselect") this.select("");
    else if (action === "alarm-details") this.act("alarm", { path, open: this.list.toggle(path) });
    else if (action === "pick-all") this.list.pickAll(element.checked);
    else if (action === "ack-one") this.acknowledge([path]);
    else if (action === "ack-selected") this.acknowledge(this.list.picked("may_ack"));
    else if (action === "ack-shown") this.acknowledgeShown();
    else if (action === "dialog") this.dialog(element);
    else if (action === "close-dialog") this.dialogs.close(element);
    else if (action === "deed") this.deed(element);
    else if (action === "add-item") this.addItem(element);
    else if (action === "drop-item") element.closest(".schema-item").remove();
    else if (action === "copy") this.copy(element);
    else if (action === "sound") this.sound.toggle();
    else if (action === "silence") this.sound.silence();
    else if (action === "cancel-upload") this.upload.cancel();
    else if (action === "print") window.print();
  }

  // A form first: its fields and what the button gives go together.
  async dialog(button) {
    const { dialogName, given, title } = button.dataset;
    const about = given ? JSON.parse(given) : {};
    if ("picked" in button.dataset) {
      about.paths = this.list.picked("may_mask");
      if (!about.paths.length) return this.toast({ id: "none", state: "failed", text: this.options.texts.nothing_selected, title });
    }
    const fields = await this.dialogs.open(dialogName, title, about);
    if (fields) this.act(dialogName, fields, title);
  }

  async deed(button) {
    const { deed, given, title, confirm } = button.dataset;
    if (confirm && !(await this.ask(title, confirm))) return;
    this.act(deed, JSON.parse(given), title);
  }

  submit(event) {
    const form = event.target;
    if (form.dataset.action === "deed") {
      event.preventDefault();
      this.formDeed(form, event.submitter);
      return;
    }
    if (form.dataset.action === "upload") {
      event.preventDefault();
      this.upload.submit(form);
      return;
    }
    if (form.dataset.deed) {
      event.preventDefault();
      this.dialogs.submit(form);
      return;
    }
    if (form.dataset.action !== "command") return;
    event.preventDefault();
    if (this.refused(form.querySelector("[type=submit]"))) return;
    const given = {};
    for (const [name, value] of new FormData(form)) if (value) given[name] = value;
    this.command(form, given);
  }

  // A form of the page itself. A field that stands there several times comes as a list; a button may name its own deed.
  async formDeed(form, button) {
    const { deed, title, confirm, given } = { ...form.dataset, ...button?.dataset };
    if (confirm && !(await this.ask(title, confirm))) return;
    const fields = given ? JSON.parse(given) : {};
    const typed = new FormData(form);
    for (const name of new Set(typed.keys())) {
      const values = typed.getAll(name);
      fields[name] = values.length > 1 ? values : values[0];
    }
    const id = this.act(deed, fields, title);
    if ("clear" in form.dataset) this.clearing.set(id, form);
  }

  // An entry of a list: the blueprint's copy, its fields named by the next number.
  addItem(button) {
    const holder = button.parentElement.querySelector(":scope > [data-items]");
    const entry = holder.querySelector(":scope > [data-blueprint]").cloneNode(true);
    const path = holder.dataset.items;
    const number = holder.dataset.next++;
    delete entry.dataset.blueprint;
    entry.hidden = entry.disabled = false;
    for (const one of entry.querySelectorAll("[name], [data-items]")) {
      const attribute = one.hasAttribute("name") ? "name" : "data-items";
      one.setAttribute(attribute, one.getAttribute(attribute).replace(`${path}[*]`, `${path}[${number}]`));
    }
    holder.append(entry);
    entry.querySelector("input, select")?.focus();
  }

  // navigator.clipboard is there over HTTPS only; a selection is copied everywhere.
  copy(button) {
    const selection = getSelection();
    selection.selectAllChildren(this.root.querySelector(`[data-slot="${CSS.escape(button.dataset.copy)}"]`));
    document.execCommand("copy");
    selection.removeAllRanges();
  }

  refused(button) {
    if (button?.getAttribute("aria-disabled") !== "true") return false;
    this.toast({ id: "refused", state: "failed", text: this.options.texts.not_now, title: button.textContent });
    return true;
  }

  menu(button) {
    const open = this.root.classList.toggle("menu-open");
    button.setAttribute("aria-expanded", String(open));
  }

  select(path, push = true) {
    const panel = this.root.querySelector("[data-panel]");
    if (!panel) return;
    for (const card of this.root.querySelectorAll("[data-select]")) card.classList.toggle("selected", card.dataset.select === path);
    panel.dataset.panel = path ? "open" : "";
    const url = new URL(location.href);
    if (path) url.searchParams.set("connector", path);
    else url.searchParams.delete("connector");
    if (push) {
      history.pushState({}, "", url);
      this.focusPanel(panel, path);
    }
    this.act("select", { path });
  }

  // The keyboard goes with the eye: into the faceplate, and back to where it was opened from.
  focusPanel(panel, path) {
    if (path) this.opened = path;
    const from = this.root.querySelector(`[data-select="${CSS.escape(this.opened || "")}"]`);
    if (path) panel.focus({ preventScroll: true });
    else from?.focus({ preventScroll: true });
  }

  async command(element, given) {
    const { command, target, title, confirm } = element.dataset;
    if (confirm && !(await this.ask(title, confirm))) return;
    this.act("command", { command, target, arguments: given }, title);
  }

  async acknowledgeShown() {
    const { texts } = this.options;
    const { waiting, now } = this.list.counts;
    if (!waiting) return this.toast({ id: "none", state: "failed", text: texts.nothing_waits, title: texts.acknowledge });
    if (!(await this.ask(texts.acknowledge, texts.acknowledge_many.replace("{count}", waiting)))) return;
    // What came since the list was last drawn has not been seen by anybody: it stays.
    this.act("acknowledge_shown", { before: now, comment: this.comment() }, texts.acknowledge);
  }

  acknowledge(paths) {
    const { texts } = this.options;
    if (!paths.length) return this.toast({ id: "none", state: "failed", text: texts.nothing_selected, title: texts.acknowledge });
    this.act("acknowledge", { paths, comment: this.comment() }, texts.acknowledge);
  }

  comment() {
    const field = this.root.querySelector("[data-ack-comment]");
    const text = field ? field.value.trim() : "";
    if (field) field.value = "";
    return text;
  }

  // What is asked while the link is down is not kept for later: an order must not come true by surprise.
  act(name, given, title = "") {
    const { texts } = this.options;
    const id = `a${++this.serial}`;
    if (this.link.lost || !window.socket?.connected) {
      this.toast({ id, state: "failed", text: texts.not_sent, title });
      return id;
    }
    if (title) this.toast({ id, state: "running", text: texts.sending, title });
    this.send({ name, id, ...given });
    return id;
  }

  toast({ id, state, text, title }) {
    if (state !== "running") {
      // What was typed is gone only once it is kept.
      if (state === "done") this.clearing.get(id)?.reset();
      this.clearing.delete(id);
    }
    const region = this.root.querySelector("[data-toasts]");
    let toast = this.toasts.get(id);
    if (!toast) {
      const box = document.createElement("div");
      box.innerHTML = '<i aria-hidden="true"></i><span><b></b> <span class="toast-text"></span></span><button type="button" class="link">×</button>';
      box.querySelector("b").textContent = title || "";
      const close = box.querySelector("button");
      close.setAttribute("aria-label", this.options.texts.close);
      toast = { box, timer: 0 };
      close.addEventListener("click", () => this.drop(id));
      this.toasts.set(id, toast);
      region.append(box);
      if (this.toasts.size > TOASTS_MAX) this.drop(this.toasts.keys().next().value);
    }
    toast.box.className = `toast ${state}`;
    toast.box.querySelector("i").textContent = SHAPES[state] || "";
    toast.box.querySelector(".toast-text").textContent = text;
    clearTimeout(toast.timer);
    if (TOAST_MS[state]) toast.timer = setTimeout(() => this.drop(id), TOAST_MS[state]);
  }

  drop(id) {
    const toast = this.toasts.get(id);
    if (!toast) return;
    clearTimeout(toast.timer);
    toast.box.remove();
    this.toasts.delete(id);
  }

  ask(title, text) {
    const { texts } = this.options;
    const dialog = document.createElement("dialog");
    dialog.className = "dialog";
    dialog.innerHTML = '<form method="dialog"><h2></h2><p></p><div class="buttons"><button value="no"></button><button value="yes" class="primary"></button></div></form>';
    dialog.querySelector("h2").textContent = title;
    dialog.querySelector("p").textContent = text;
    dialog.querySelector("[value=no]").textContent = texts.cancel;
    dialog.querySelector("[value=yes]").textContent = texts.confirm;
    this.root.append(dialog);
    dialog.showModal();
    dialog.querySelector("[value=no]").focus();
    return new Promise((resolve) => {
      dialog.addEventListener("close", () => {
        dialog.remove();
        resolve(dialog.returnValue === "yes");
      });
    });
  }
}
