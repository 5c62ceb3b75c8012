// A form that brings one file: its name, how far it is, a way to cancel it, and what the server says of it.
const UNSAFE = /[^A-Za-z0-9._-]+/g; // the server has the last word on names

export class Upload {
  constructor(root, options, actions) {
    Object.assign(this, { root, options, actions, running: null });
    this.listeners = new AbortController();
    const { signal } = this.listeners;
    root.addEventListener("change", (event) => this.chosen(event), { signal });
    window.addEventListener("beforeunload", (event) => this.running && event.preventDefault(), { signal });
  }

  stop() {
    this.listeners.abort();
    this.running?.abort();
  }

  chosen(event) {
    const form = event.target.closest?.("form[data-action=upload]");
    if (!form || event.target.type !== "file" || !event.target.files.length) return;
    form.elements.name.value = event.target.files[0].name.replace(UNSAFE, "_").replace(/^[._-]+/, "").slice(-form.elements.name.maxLength);
  }

  async submit(form) {
    if (this.running) return;
    const file = form.elements.file.files[0];
    const name = form.elements.name.value.trim();
    const { title, bytesMax, tooLarge, replace } = form.dataset;
    const say = (state, text) => this.actions.toast({ id: "upload", state, text, title });
    if (file.size > Number(bytesMax)) return say("failed", tooLarge);
    const there = [...this.root.querySelectorAll("[data-firmware]")].some((one) => one.dataset.firmware === name);
    if (there && !(await this.actions.ask(title, replace.replace("{name}", name)))) return;
    const { texts } = this.options;
    const request = (this.running = new XMLHttpRequest()); // fetch tells nothing of how much is sent
    const bar = form.querySelector("progress");
    const told = form.querySelector("output");
    const show = (part) => {
      bar.value = part;
      told.textContent = new Intl.NumberFormat(this.options.locale, { style: "percent" }).format(part);
    };
    const busy = (on) => {
      form.querySelector("[data-under-way]").hidden = !on;
      for (const one of form.querySelectorAll("input, [type=submit]")) one.disabled = on;
      if (!on) this.running = null;
    };
    request.upload.addEventListener("progress", (event) => event.lengthComputable && show(event.loaded / event.total));
    request.addEventListener("error", () => say("failed", texts.upload_broke));
    request.addEventListener("abort", () => say("failed", texts.upload_cancelled));
    request.addEventListener("load", () => {
      if (request.status === 201) {
        say("done", texts.upload_done.replace("{name}", name));
        form.reset();
        this.offer(name);
      } else {
        // Anything but our sentence, such as the log-in's page, is no answer to the file.
        const sentence = request.getResponseHeader("content-type")?.startsWith("text/plain");
        say("failed", sentence ? request.responseText : texts.upload_broke);
      }
    });
    request.addEventListener("loadend", () => busy(false));
    request.open("POST", `${form.getAttribute("action")}?${new URLSearchParams({ name })}`);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    show(0);
    busy(true);
    request.send(file);
  }

  cancel() {
    this.running?.abort();
  }

  // The list comes anew from the server; what is chosen from it stands in a form of the page.
  offer(name) {
    const choice = this.root.querySelector("[data-firmware-choice]");
    if (![...choice.options].some((one) => one.value === name)) choice.add(new Option(name, name));
    choice.closest("section").hidden = false;
  }
}
