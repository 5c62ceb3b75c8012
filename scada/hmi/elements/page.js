// A page: HTML from the server, filled and kept true by the scripts of lib/. No template, so nothing is compiled.
import { h } from "vue";
import { Page } from "scada-hmi";

export default {
  props: { html: String, options: Object, snapshot: Object, alarms: Object },
  emits: ["act"],
  render() {
    return h("div", { class: "hmi-holder" });
  },
  mounted() {
    this.page = new Page(this.$el, this.$props, (message) => this.$emit("act", message));
    this.page.start();
  },
  beforeUnmount() {
    this.page.stop();
  },
};
