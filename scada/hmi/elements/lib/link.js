// The link to the server: joins when the page is seen, says within 3 s when it is lost, and heals by itself.
const SILENCE_MS = 2200; // the server beats each second
const STUCK_MS = 10000;

export class Link {
  constructor(root, options, send) {
    this.root = root;
    this.send = send;
    this.bar = root.querySelector("[data-lost]");
    this.bar.textContent = options.texts.lost;
    this.lost = false;
    this.heard = performance.now();
    this.asked = 0;
  }

  start(handlers) {
    // window.socket comes after the mount of child elements.
    if (!window.socket) {
      this.waiting = setTimeout(() => this.start(handlers), 20);
      return;
    }
    const socket = (this.socket = window.socket);
    this.handlers = {};
    for (const [event, handle] of Object.entries(handlers)) {
      this.handlers[event] = (message) => {
        this.hear(event);
        handle(message);
      };
      socket.on(event, this.handlers[event]);
    }
    this.handlers.connect = () => this.show();
    this.handlers.disconnect = () => this.setLost(true);
    socket.on("connect", this.handlers.connect);
    socket.on("disconnect", this.handlers.disconnect);
    // NiceGUI reloads the page when a connection times out, and then there is no page at all: we go on trying.
    socket.off("connect_error");
    this.handlers.connect_error = (error) => {
      if (error.message === "Implicit handshake failed") location.reload();
    };
    socket.on("connect_error", this.handlers.connect_error);
    this.onVisibility = () => (document.hidden ? this.hide() : this.show());
    document.addEventListener("visibilitychange", this.onVisibility);
    this.timer = setInterval(() => this.watch(), 500);
    if (socket.connected) this.show();
  }

  stop() {
    clearTimeout(this.waiting);
    clearInterval(this.timer);
    document.removeEventListener("visibilitychange", this.onVisibility);
    for (const [event, handle] of Object.entries(this.handlers || {})) this.socket.off(event, handle);
  }

  show() {
    if (document.hidden || !this.socket.connected) return;
    this.heard = performance.now(); // what follows is waited for anew
    this.asked = performance.now();
    this.ask();
  }

  // The server takes a page's word only after the handshake.
  ask() {
    if (window.did_handshake) this.send({ name: "show" });
    else setTimeout(() => this.ask(), 20);
  }

  hide() {
    if (this.socket.connected && window.did_handshake) this.send({ name: "hide" });
  }

  hear(event) {
    this.heard = performance.now();
    // Values are live again only with a fresh picture of everything.
    if (event === "scada_snapshot") this.setLost(false);
    else if (this.lost && performance.now() - this.asked > SILENCE_MS) this.show();
  }

  watch() {
    if (document.hidden) return;
    const silent = performance.now() - this.heard;
    if (silent > SILENCE_MS) this.setLost(true);
    if (silent > STUCK_MS && this.socket.connected) {
      // Connected, and yet nothing comes: this page is no longer known. Load it anew if the server answers.
      this.heard = performance.now();
      fetch(location.href, { method: "HEAD", cache: "no-store" }).then(() => location.reload(), () => undefined);
    }
  }

  setLost(lost) {
    if (lost && document.hidden) return;
    this.lost = lost;
    this.bar.hidden = !lost;
    this.root.classList.toggle("lost", lost);
  }
}
