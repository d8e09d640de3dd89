// A histogram of two paths stretched to its frame, so that many of them are redrawn within a frame of a drag; all
// words are put into text nodes. Scripts that draw histograms are put behind this one.

const element = (tag, className, text) => {
  const made = document.createElement(tag);
  made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
};

const shape = (tag, attributes) => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
};

/** A number without sign for plus: `0.30`, `−0.10`; zero has no sign. */
const number = (value) => {
  const text = value.toFixed(2);
  return (Number(text) ? text : "0.00").replace("-", "−");
};

const grouped = new Intl.NumberFormat("en"); // made once: `toLocaleString` makes one per call

const whole = (count) => grouped.format(count);

/** Share of the frame's height that a count takes. */
const heightOf = (count, highest, log) => {
  if (count <= 0) return 0;
  return log ? Math.log10(count * 1.6) / Math.log10(highest * 1.6) : count / highest;
};

/** One closed outline for all bars, in bins across and shares up. */
const outline = (counts, highest, log) => {
  let steps = "";
  for (let bin = 0; bin < counts.length; bin++)
    steps += `V${(1 - heightOf(counts[bin], highest, log)).toFixed(4)}H${bin + 1}`;
  return `M0 1${steps}V1Z`;
};

const ticks = (highest, log) => {
  if (log) return [1, 10, 100, 1e3, 1e4, 1e5, 1e6].filter((tick) => tick <= highest);
  const step = 10 ** Math.floor(Math.log10(highest));
  return [highest >= 2 * step ? 2 * step : step];
};

const short = (count) => (count >= 1000 ? `${count / 1000}k` : `${count}`);

/** One histogram of `total` counts in bars of `width` from `low`; `choose` gets the bar that is picked. */
class Histogram {
  constructor({ title, colour, low, width, total }, log, choose) {
    Object.assign(this, { title, low, width, total, log, choose, bin: null, kept: total });
    this.highest = Math.max(1, ...total);
    this.root = element("figure", "panel");
    this.caption = element("figcaption", "title");
    this.caption.append(element("span", "name", title));
    this.frame = this.drawFrame(colour);
    this.readout = element("div", "readout");
    this.readout.setAttribute("aria-live", "polite");
    this.root.append(this.caption, this.frame, this.drawAxis(), this.readout);
    this.listen();
  }

  get high() {
    return this.low + this.width * this.total.length;
  }

  /** Where a value lies, in percent of the frame's width. */
  across(value) {
    return (100 * (value - this.low)) / (this.high - this.low);
  }

  /** Draw some of the pairs before all of them. */
  show(kept) {
    this.kept = kept;
    this.bars.setAttribute("d", outline(kept, this.highest, this.log));
  }

  drawFrame(colour) {
    const frame = element("div", "frame");
    frame.tabIndex = 0;
    frame.setAttribute("role", "group");
    const svg = shape("svg", {
      viewBox: `0 0 ${this.total.length} 1`, preserveAspectRatio: "none", "aria-hidden": "true",
    });
    svg.append(shape("path", { d: outline(this.total, this.highest, this.log), class: "all" }));
    this.bars = shape("path", { fill: colour, class: "kept" });
    svg.append(this.bars);
    this.cursor = element("div", "cursor");
    frame.append(svg, this.cursor);
    for (const tick of ticks(this.highest, this.log)) {
      const line = element("div", "tick");
      line.style.bottom = `${100 * heightOf(tick, this.highest, this.log)}%`;
      if (tick > 1) line.append(element("span", "tick-label", short(tick)));
      frame.append(line);
    }
    return frame;
  }

  drawAxis() {
    const axis = element("div", "axis");
    const reach = this.high - this.low;
    const step = reach > 3 ? 1 : reach > 0.7 ? 0.5 : 0.25;
    for (let value = Math.ceil(this.low / step) * step; value <= this.high; value += step) {
      const label = element("span", "axis-label", `${value}`.replace("-", "−"));
      label.style.left = `${this.across(value)}%`;
      axis.append(label);
    }
    return axis;
  }

  /** Say what a bar holds; null: none is pointed at. */
  point(bin) {
    this.bin = bin;
    this.cursor.style.display = bin === null ? "none" : "block";
    if (bin === null) return this.readout.replaceChildren();
    const { low, width, total, kept } = this;
    this.cursor.style.left = `${(100 * bin) / total.length}%`;
    this.cursor.style.width = `${100 / total.length}%`;
    const from = low + bin * width;
    this.readout.textContent =
      `${number(from)} to ${number(from + width)}: ${whole(kept[bin])}` +
      (kept === total ? "" : ` of ${whole(total[bin])}`);
  }

  /** The next bar that there is; gaps are stepped over. */
  nextBar(from, step) {
    for (let next = from + step; next >= 0 && next < this.total.length; next += step)
      if (this.total[next]) return next;
    return null;
  }

  listen() {
    const { frame, total } = this;
    const pick = () => {
      const { bin, low, width, title } = this;
      if (bin !== null && total[bin])
        this.choose({ panel: title, low: low + bin * width, high: low + (bin + 1) * width });
    };
    frame.onpointermove = (event) => {
      const box = frame.getBoundingClientRect();
      const at = Math.floor(((event.clientX - box.left) / box.width) * total.length);
      this.point(Math.min(Math.max(at, 0), total.length - 1));
    };
    frame.onpointerleave = () => this.point(null);
    frame.onclick = pick;
    frame.onkeydown = (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (step) {
        event.preventDefault();
        const from = this.bin ?? (step > 0 ? -1 : total.length);
        this.point(this.nextBar(from, step) ?? this.bin);
      } else if (event.key === "Enter") pick();
    };
  }
}
