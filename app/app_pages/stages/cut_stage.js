// One stage on the board: what it keeps, a histogram per number that it is cut on, why pairs were dropped.
// Stands behind histogram.js, cut_engine.js and cut_line.js.

const percent = (share) => `${(100 * share).toFixed(1)} %`;

const signed = (value) => (Number(value.toFixed(2)) > 0 ? `+${number(value)}` : number(value));

const countOf = (count, noun) => `${whole(count)} ${noun}${count === 1 ? "" : "s"}`;

/** Set a text, unless it is set already, which would cost a layout. */
const say = (node, text) => {
  if (node.textContent !== text) node.textContent = text;
};

/** Which bar of a histogram each code of a column belongs to. */
const barsOf = ({ edges }, { low, high }, width) => {
  const last = Math.round((high - low) / width) - 1;
  return Array.from({ length: edges.length + 1 }, (_, code) => {
    const bar = Math.ceil((edges[Math.min(code, edges.length - 1)] - low) / width - 1e-6) - 1;
    return Math.min(Math.max(bar, 0), last);
  });
};

/** A histogram with its lines, numbers and the mean of what is kept. */
class CutPanel {
  constructor(panel, column, log, controls, choose) {
    Object.assign(this, { panel, column });
    const width = (panel.high - panel.low) / 100;
    this.barOf = barsOf(column, panel, width);
    const total = this.inBars(column.counts, 0, 100);
    [this.first, this.last] = this.extent(total, width, controls);
    const shown = {
      title: panel.title, colour: panel.colour, width,
      low: panel.low + this.first * width, total: total.slice(this.first, this.last),
    };
    this.histogram = new Histogram(shown, log, choose);
    this.root = this.histogram.root;
    this.lines = panel.lines.map((line) => {
      const drawn = new CutLine(this.histogram, line, controls[line.check]);
      if (line.sign > 0) drawn.grip.dataset.key = `line ${panel.title} ${controls[line.check].key}`;
      return drawn;
    });
    this.fields = new Map();
    for (const { check, is_certain: isCertain } of panel.lines)
      if (!this.fields.has(check)) this.fields.set(check, new CutField(!isCertain, controls[check]));
    for (const [check, field] of this.fields) {
      field.input.dataset.key = `field ${panel.title} ${controls[check].key}`;
      this.histogram.caption.append(field.root);
    }
    this.mean = element("div", "mean");
    this.root.append(this.mean);
  }

  /** The bars that are drawn: where there are pairs or lines, and a little around. */
  extent(total, width, controls) {
    const filled = [...total.keys()].filter((bar) => total[bar]);
    const marks = this.panel.lines.map(({ check, sign }) =>
      Math.floor((sign * controls[check].value - this.panel.low) / width - 1e-6),
    );
    const all = [...filled, ...marks];
    if (!all.length) return [0, total.length];
    return [Math.max(Math.min(...all) - 2, 0), Math.min(Math.max(...all) + 3, total.length)];
  }

  hasRoomFor(checks) {
    const { low, high } = this.histogram;
    return this.panel.lines.every(({ check, sign }) => {
      const at = sign * checks[check].above;
      return at >= low - 1e-9 && at <= high + 1e-9;
    });
  }

  inBars(counts, first, last) {
    const bars = new Array(last - first).fill(0);
    for (let code = 0; code < counts.length; code++) {
      const bar = this.barOf[code] - first;
      if (bar >= 0 && bar < bars.length) bars[bar] += counts[code];
    }
    return bars;
  }

  draw(counts, kept, total) {
    this.histogram.show(this.inBars(counts, this.first, this.last));
    this.histogram.frame.setAttribute("aria-label", `${this.panel.title}: ${whole(kept)} of ${whole(total)} pairs`);
  }

  drawLines(values, words) {
    this.panel.lines.forEach(({ check }, index) => this.lines[index].show(values[check], words));
    for (const [check, field] of this.fields) field.show(values[check]);
  }

  drawMean({ mean, std }) {
    if (mean === null) return say(this.mean, "no pairs");
    const verdict = { true: mean > 0 ? " ✓" : " ✗ not above 0", false: "" }[this.panel.is_trained];
    this.mean.classList.toggle("wrong", this.panel.is_trained && !(mean > 0));
    say(this.mean, `mean ${signed(mean)} ± ${number(std)}${verdict}`);
  }
}

/** A stage's section. */
class CutStage {
  constructor(stage, columns, numPairs, log, controls, choose) {
    Object.assign(this, { stage, numPairs });
    this.root = element("section", "stage");
    const head = element("header", "");
    this.keeps = element("p", "keeps", "keeps ");
    this.kept = element("strong", "");
    this.share = new Text();
    this.keeps.append(this.kept, this.share);
    this.badge = element("span", "badge");
    this.training = element("p", "training");
    head.append(element("h3", "", stage.title), this.keeps, this.badge, this.training);
    this.panels = stage.panels.map(
      (panel) => new CutPanel(panel, columns[panel.column], log, controls, choose),
    );
    const row = element("div", "row");
    row.append(...this.panels.map((panel) => panel.root));
    this.root.append(head, row, ...this.buildWhy());
  }

  /** Why pairs were dropped: a bar of shares, and a list of counts. */
  buildWhy() {
    const bar = element("div", "share");
    const why = element("ul", "why");
    why.setAttribute("aria-label", "Why pairs were dropped");
    this.reasons = [...this.stage.checks.map(({ name }) => name), "kept"].map((name) => {
      const [part, item, count] = [element("div", ""), element("li", "", `${name} `), element("strong", "")];
      item.append(count);
      bar.append(part);
      why.append(item);
      return { part, count };
    });
    return [bar, why];
  }

  /** `counts`: per column, of the kept pairs by code; `numbers`: kept, dropped, held_out, margins; `values` by check. */
  draw(counts, numbers, values) {
    const { kept } = numbers;
    say(this.kept, whole(kept));
    say(this.share, ` of ${whole(this.numPairs)} (${this.numPairs ? percent(kept / this.numPairs) : "–"})`);
    for (const panel of this.panels) {
      panel.draw(counts[panel.panel.column], kept, this.numPairs);
      panel.drawLines(values, `keeps ${whole(kept)} of ${whole(this.numPairs)}`);
      if (panel.panel.maxim) panel.drawMean(numbers.margins[panel.panel.maxim]);
    }
    this.drawWhy(numbers);
    this.drawTraining(numbers);
  }

  drawWhy({ kept, dropped }) {
    [...dropped, kept].forEach((number, index) => {
      const { part, count } = this.reasons[index];
      part.style.flexGrow = number;
      say(count, whole(number));
    });
  }

  drawTraining({ kept, held_out: heldOut }) {
    const known = heldOut !== null;
    this.badge.hidden = this.training.hidden = !known;
    if (!known) return;
    const { pairs_per_step: perStep, epochs, num_steps: numSteps, few_pairs: fewPairs } = this.stage;
    const train = kept - heldOut;
    const steps = numSteps ?? epochs * Math.ceil(train / perStep);
    const verdict = train < perStep ? "too few" : train < fewPairs ? "few" : "enough";
    this.badge.className = `badge ${verdict.replace(" ", "-")}`;
    say(this.badge, `${verdict} to train on`);
    const words = `${whole(train)} to train on, ${whole(heldOut)} held out, ${countOf(steps, "optimizer step")}`;
    say(this.training, words);
  }
}
