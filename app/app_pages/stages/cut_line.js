// A threshold under the hand: its line on a histogram, dragged by pointer or moved by key, and its number beside the
// title. Stands behind histogram.js. Both get a `control`: `threshold` ({statistic, low, high}), and what to call
// while it moves (`preview(value)`), when it has been moved (`commit()`), and when it shall go back (`cancel()`).

const STEPS_PER_UNIT = 100;
const LARGE_STEP = 0.1;

const onGrid = (value) => Math.round(value * STEPS_PER_UNIT) / STEPS_PER_UNIT;

/** A threshold as it is: `0.30`, and `0.205` where it has more digits. */
const exactly = (value) => (Math.abs(onGrid(value) - value) < 1e-9 ? number(value) : `${value}`.replace("-", "−"));

/** The value that a key leads to; undefined if it is none that moves a slider. */
const movedByKey = (event, value, { low, high }) => {
  const step = event.shiftKey ? LARGE_STEP : 1 / STEPS_PER_UNIT;
  const steps = {
    ArrowLeft: -step, ArrowDown: -step, ArrowRight: step, ArrowUp: step,
    PageDown: -LARGE_STEP, PageUp: LARGE_STEP,
  };
  if (event.key === "Home") return low;
  if (event.key === "End") return high;
  if (!(event.key in steps)) return undefined;
  return Math.min(Math.max(onGrid(value + steps[event.key]), low), high);
};

/** One line; it lies at `sign` times the threshold. */
class CutLine {
  constructor(histogram, { sign, is_certain: isCertain }, control) {
    Object.assign(this, { histogram, sign, control, isCertain, value: 0, drag: null });
    this.root = element("div", isCertain ? "cut" : "cut either");
    this.label = element("span", "cut-label", "0");
    this.grip = element("div", "grip");
    this.root.append(this.label, this.grip);
    if (sign > 0) this.beSlider();
    else this.grip.setAttribute("aria-hidden", "true"); // the other line moves the same threshold
    this.listen();
    histogram.frame.append(this.root);
  }

  beSlider() {
    const { statistic, low, high } = this.control.threshold;
    const said = {
      role: "slider", tabindex: 0, "aria-label": `${statistic} >`, "aria-orientation": "horizontal",
      "aria-valuemin": low, "aria-valuemax": high,
    };
    for (const [name, value] of Object.entries(said)) this.grip.setAttribute(name, value);
  }

  /** Lie where the threshold is; `words` say what it does. */
  show(value, words) {
    this.value = value;
    const at = this.histogram.across(this.sign * value);
    this.root.style.left = `${Math.min(Math.max(at, 0), 100)}%`;
    this.label.firstChild.data = exactly(this.sign * value);
    // Two lines of one threshold are labelled on their outer sides, as far as there is room.
    const isOuter = this.isCertain ? at > 75 : this.sign * value < 0;
    this.label.classList.toggle("before", isOuter && at > 25);
    this.grip.setAttribute("aria-valuenow", value);
    this.grip.setAttribute("aria-valuetext", `${exactly(value)}: ${words}`);
  }

  listen() {
    const { grip, control } = this;
    grip.onpointerenter = () => control.prepare();
    grip.onfocus = () => control.prepare();
    grip.onclick = (event) => event.stopPropagation(); // else the bar below is picked
    grip.onpointerdown = (event) => this.take(event);
    grip.onpointermove = (event) => this.follow(event);
    grip.onpointerup = () => this.end(() => control.commit());
    grip.onpointercancel = () => this.end(() => control.cancel());
    grip.onkeydown = (event) => {
      event.stopPropagation(); // the frame's own keys walk over its bars
      if (event.key === "Escape") return this.end(() => control.cancel());
      const value = movedByKey(event, this.value, control.threshold);
      if (value === undefined) return;
      event.preventDefault();
      this.value = value; // the next key may come before the next frame
      control.preview(value);
      control.commitSoon();
    };
  }

  take(event) {
    if (event.button) return;
    event.stopPropagation();
    const frame = this.histogram.frame.getBoundingClientRect();
    const line = this.root.getBoundingClientRect();
    this.drag = { frame, offset: event.clientX - line.left };
    this.grip.focus({ preventScroll: true });
    this.grip.setPointerCapture(event.pointerId);
    this.root.classList.add("held");
    this.histogram.point(null);
  }

  follow(event) {
    event.stopPropagation();
    if (!this.drag) return;
    const { low, high } = this.control.threshold;
    const { frame, offset } = this.drag;
    const share = (event.clientX - offset - frame.left) / frame.width;
    const reached = this.histogram.low + share * (this.histogram.high - this.histogram.low);
    const value = Math.min(Math.max(onGrid(this.sign * reached), low), high);
    if (value !== this.value) this.control.preview(value);
  }

  end(done) {
    if (!this.drag) return;
    this.drag = null;
    this.root.classList.remove("held");
    done();
  }
}

/** The threshold as a number to be typed. */
class CutField {
  constructor(isEitherWay, control) {
    Object.assign(this, { control, isTyped: false });
    const { statistic, low, high } = control.threshold;
    this.root = element("label", "field", isEitherWay ? "± " : "> ");
    this.input = element("input", "");
    Object.assign(this.input, { type: "number", step: 1 / STEPS_PER_UNIT, min: low, max: high });
    this.input.setAttribute("aria-label", `${statistic} >`);
    this.root.append(this.input);
    this.input.oninput = () => {
      this.isTyped = true;
      if (this.isValid()) control.preview(Number(this.input.value));
    };
    this.input.onchange = () => {
      this.isTyped = false;
      if (this.isValid()) control.commit();
      else control.cancel();
    };
    this.input.onkeydown = (event) => {
      if (event.key !== "Escape") return;
      this.isTyped = false;
      control.cancel();
    };
  }

  isValid() {
    const { low, high } = this.control.threshold;
    const { value } = this.input;
    return value !== "" && Number(value) >= low && Number(value) <= high;
  }

  show(value) {
    const text = exactly(value).replace("−", "-");
    if (!this.isTyped && this.input.value !== text) this.input.value = text;
  }
}
