// A sound while an alarm whose level has one waits to be acknowledged, repeated until somebody acknowledges or silences.
// "Silence" is for what sounds now: the next alarm sounds again. "Off" is for this user in this browser, and remembered.
const AGAIN_MS = 10000;
const TONES = { alarm: [880, 660, 880, 660], chime: [660, 880] };
const TONE_S = 0.18;

export class Sound {
  constructor(root, options) {
    this.button = root.querySelector("[data-action=sound]");
    this.hush = root.querySelector("[data-action=silence]");
    this.texts = options.texts;
    this.key = `scada.sound.${options.user}`;
    this.on = localStorage.getItem(this.key) !== "off";
    this.silenced = sessionStorage.getItem("scada.silenced") || "";
    this.wanted = "";
    this.alarm = "";
    this.paint();
    this.timer = setInterval(() => this.play(), AGAIN_MS);
    // Browsers allow sound only after the user has done something on the page.
    this.listeners = new AbortController();
    for (const event of ["pointerup", "keyup"]) {
      document.addEventListener(event, () => this.woken(), { signal: this.listeners.signal });
    }
  }

  stop() {
    clearInterval(this.timer);
    this.listeners.abort();
    this.context?.close();
  }

  hear(alarm, levels) {
    this.wanted = alarm ? (levels[alarm.level]?.sound ?? "") : "";
    const key = alarm ? `${alarm.path} ${alarm.raised}` : "";
    const isNew = key !== this.alarm;
    this.alarm = key;
    this.paint();
    if (isNew) this.play();
  }

  toggle() {
    this.on = !this.on;
    localStorage.setItem(this.key, this.on ? "on" : "off");
    this.paint();
    this.play();
  }

  silence() {
    this.silenced = this.alarm;
    sessionStorage.setItem("scada.silenced", this.silenced);
    this.paint();
  }

  woken() {
    if (!this.blocked) return;
    this.paint();
    this.play();
  }

  get sounds() {
    return this.on && Boolean(TONES[this.wanted]) && this.silenced !== this.alarm;
  }

  paint() {
    if (!this.button) return;
    this.blocked = this.sounds && !navigator.userActivation?.hasBeenActive;
    this.button.textContent = this.on ? `♪ ${this.blocked ? this.texts.sound_blocked : this.texts.sound_on}` : `♪̸ ${this.texts.sound_off}`;
    this.button.title = this.blocked ? this.texts.sound_rule : "";
    this.button.setAttribute("aria-pressed", String(this.on));
    this.button.classList.toggle("blocked", this.blocked);
    this.hush.hidden = !this.sounds;
  }

  play() {
    if (!this.sounds || !navigator.userActivation?.hasBeenActive) return;
    this.context ||= new AudioContext();
    this.context.resume?.();
    TONES[this.wanted].forEach((pitch, k) => {
      const start = this.context.currentTime + k * TONE_S;
      const tone = new OscillatorNode(this.context, { frequency: pitch });
      const volume = new GainNode(this.context, { gain: 0.15 });
      tone.connect(volume).connect(this.context.destination);
      tone.start(start);
      tone.stop(start + TONE_S * 0.8);
    });
  }
}
