// Forms of deeds: hidden dialogs that the server made, opened with what they are about.
export class Dialogs {
  constructor(root) {
    this.root = root;
    root.addEventListener("change", (event) => {
      if (event.target.matches?.("[data-span]")) this.spans(event.target.form);
    });
  }

  // Returns the form's fields with what was given, or null when it was called off.
  open(name, title, given) {
    const dialog = this.root.querySelector(`dialog[data-dialog="${CSS.escape(name)}"]`);
    if (!dialog || dialog.open) return Promise.resolve(null);
    const form = dialog.querySelector("form");
    form.reset();
    dialog.querySelector("[data-dialog-title]").textContent = title;
    this.branches(form, given.branches);
    this.spans(form);
    dialog.returnValue = "";
    dialog.showModal();
    form.querySelector("input:not([type=hidden]), select")?.focus();
    return new Promise((resolve) => {
      dialog.addEventListener("close", () => {
        if (dialog.returnValue !== "done") return resolve(null);
        const { branches, ...rest } = given;
        const fields = Object.fromEntries(new FormData(form));
        if (!branches) delete fields.branch;
        resolve({ ...rest, ...fields });
      }, { once: true });
    });
  }

  submit(form) {
    form.closest("dialog").close("done");
  }

  close(element) {
    element.closest("dialog").close("");
  }

  branches(form, branches) {
    const holder = form.querySelector("[data-branches]");
    if (!holder) return;
    holder.hidden = !branches;
    const select = holder.querySelector("select");
    select.replaceChildren(...(branches || []).map(([path, name]) => new Option(name, path)));
  }

  spans(form) {
    const span = form.querySelector("[data-span]");
    if (!span) return;
    const field = form.querySelector("[data-until-field]");
    field.hidden = span.value !== "until";
    field.querySelector("input").required = !field.hidden;
  }
}
