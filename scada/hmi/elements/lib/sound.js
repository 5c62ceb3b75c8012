// A sound while an alarm whose level has one waits to be acknowledged. Each browser may be silenced; that is remembered.
const KEY = "scada.sound";
const AGAIN_MS = 10000;
const TONES = { alarm: [880, 660, 880, 660], chime: [660, 880] };
const TONE_S = 0.18;

export class Sound {
  constructor(root, options) {
    this.button = root.querySelector("[data-action=sound]");
    this.texts = options.texts;
    this.on = localStorage.getItem(KEY) !== "off";
    this.wanted = "";
    this.key = "";
    this.paint();
    this.timer = setInterval(() => this.play(), AGAIN_MS);
  }

  stop() {
    clearInterval(this.timer);
    this.context?.close();
  }

  hear(alarm, levels) {
    this.wanted = alarm ? (levels[alarm.level]?.sound ?? "") : "";
    const key = alarm ? `${alarm.path} ${alarm.raised}` : "";
    const isNew = key !== this.key;
    this.key = key;
    if (isNew) this.play();
  }

  toggle() {
    this.on = !this.on;
    localStorage.setItem(KEY, this.on ? "on" : "off");
    this.paint();
    this.play();
  }

  paint() {
    if (!this.button) return;
    this.button.textContent = this.on ? `♪ ${this.texts.sound_on}` : `♪̸ ${this.texts.sound_off}`;
    this.button.setAttribute("aria-pressed", String(this.on));
  }

  play() {
    const tones = this.on && TONES[this.wanted];
    // Browsers allow sound only after the user has done something on the page.
    if (!tones || !navigator.userActivation?.hasBeenActive) return;
    this.context ||= new AudioContext();
    tones.forEach((pitch, k) => {
      const start = this.context.currentTime + k * TONE_S;
      const tone = new OscillatorNode(this.context, { frequency: pitch });
      const volume = new GainNode(this.context, { gain: 0.15 });
      tone.connect(volume).connect(this.context.destination);
      tone.start(start);
      tone.stop(start + TONE_S * 0.8);
    });
  }
}
