// A histogram of two paths stretched to its frame, so that moving a threshold redraws many of them within
// a frame; all words are put into text nodes. Scripts that draw histograms are put behind this one.

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

const signed = (value) => value.toFixed(2).replace("-", "−");

/** Share of the frame's height that a count takes. */
const heightOf = (count, highest, log) => {
  if (count <= 0) return 0;
  return log ? Math.log10(count * 1.6) / Math.log10(highest * 1.6) : count / highest;
};

/** One closed outline for all bars, in bins across and shares up. */
const outline = (counts, highest, log) => {
  const steps = counts.map((count, bin) => {
    const top = 1 - heightOf(count, highest, log);
    return `L${bin} ${top}L${bin + 1} ${top}`;
  });
  return `M0 1${steps.join("")}L${counts.length} 1Z`;
};

const ticks = (highest, log) => {
  if (log) return [1, 10, 100, 1e3, 1e4, 1e5, 1e6].filter((tick) => tick <= highest);
  const step = 10 ** Math.floor(Math.log10(highest));
  return [highest >= 2 * step ? 2 * step : step];
};

const short = (count) => (count >= 1000 ? `${count / 1000}k` : `${count}`);

function drawPanel(panel, log, choose) {
  const { low, width, total, kept } = panel;
  const high = low + width * total.length;
  const highest = Math.max(1, ...total);
  const across = (value) => (100 * (value - low)) / (high - low);

  const root = element("figure", "panel");
  root.append(element("figcaption", "title", panel.title));
  const frame = element("div", "frame");
  frame.tabIndex = 0;
  frame.setAttribute("role", "group");
  frame.setAttribute("aria-label", `${panel.title}: ${panel.summary}`);
  const svg = shape("svg", {
    viewBox: `0 0 ${total.length} 1`, preserveAspectRatio: "none", "aria-hidden": "true",
  });
  svg.append(shape("path", { d: outline(total, highest, log), class: "all" }));
  svg.append(shape("path", { d: outline(kept, highest, log), fill: panel.colour }));
  const cursor = element("div", "cursor");
  frame.append(svg, cursor);

  for (const tick of ticks(highest, log)) {
    const line = element("div", "tick");
    line.style.bottom = `${100 * heightOf(tick, highest, log)}%`;
    if (tick > 1) line.append(element("span", "tick-label", short(tick)));
    frame.append(line);
  }
  for (const cut of panel.cuts) {
    const line = element("div", cut.is_certain ? "cut" : "cut either");
    line.style.left = `${across(cut.value)}%`;
    // Two lines of one threshold are labelled on their outer sides.
    const outer = cut.is_certain ? across(cut.value) > 75 : cut.value < 0;
    const before = outer && across(cut.value) > 25; // there is room
    const side = before ? "cut-label before" : "cut-label";
    line.append(element("span", side, signed(cut.value)));
    frame.append(line);
  }

  const axis = element("div", "axis");
  const step = high - low > 3 ? 1 : high - low > 0.7 ? 0.5 : 0.25;
  for (let value = Math.ceil(low / step) * step; value <= high; value += step) {
    const label = element("span", "axis-label", `${value}`.replace("-", "−"));
    label.style.left = `${across(value)}%`;
    axis.append(label);
  }
  const readout = element("div", "readout");
  readout.setAttribute("aria-live", "polite");
  root.append(frame, axis, readout);

  let bin = null;
  const point = (next) => {
    bin = next;
    cursor.style.display = bin === null ? "none" : "block";
    if (bin === null) return readout.replaceChildren();
    cursor.style.left = `${(100 * bin) / total.length}%`;
    cursor.style.width = `${100 / total.length}%`;
    const from = low + bin * width;
    readout.textContent =
      `${signed(from)} to ${signed(from + width)}: ${kept[bin].toLocaleString("en")}` +
      (panel.is_whole ? "" : ` of ${total[bin].toLocaleString("en")}`);
  };
  /** The next bar that there is; gaps are stepped over. */
  const nextBar = (from, step) => {
    for (let next = from + step; next >= 0 && next < total.length; next += step)
      if (total[next]) return next;
    return null;
  };
  const pick = () => bin !== null && total[bin] && choose(panel, low + bin * width, width);
  frame.onpointermove = (event) => {
    const box = frame.getBoundingClientRect();
    const at = Math.floor(((event.clientX - box.left) / box.width) * total.length);
    point(Math.min(Math.max(at, 0), total.length - 1));
  };
  frame.onpointerleave = () => point(null);
  frame.onclick = pick;
  frame.onkeydown = (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step) {
      event.preventDefault();
      point(nextBar(bin === null ? (step > 0 ? -1 : total.length) : bin, step) ?? bin);
    } else if (event.key === "Enter") pick();
  };
  return root;
}
