// Pairs by two data margins at once, those that a stage keeps in colour, with the lines of both margins.
// Stands behind cut_stage.js.

const NUM_BINS = 50;

const chooser = (label, options, chosen, onChange) => {
  const root = element("label", "", `${label} `);
  const select = element("select", "");
  for (const { value, title } of options) {
    const option = element("option", "", title);
    option.value = value;
    select.append(option);
  }
  select.value = chosen;
  select.onchange = () => onChange(select.value);
  root.append(select);
  return root;
};

const rgb = (colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));

class HeatMap {
  /** `heatOf({stage, x, y})` counts kept pairs; `valueOf(stage, check)` tells where a threshold is. */
  constructor(heatOf, valueOf) {
    this.heatOf = heatOf;
    this.valueOf = valueOf;
    this.chosen = {};
    this.root = element("details", "map");
    this.root.ontoggle = () => this.draw();
    this.choosers = element("div", "choosers");
    this.canvas = element("canvas", "");
    this.canvas.width = this.canvas.height = NUM_BINS;
    this.canvas.setAttribute("role", "img");
    this.plot = element("div", "plot");
    this.across = element("div", "axis-title");
    this.up = element("div", "axis-title up");
    const figure = element("div", "heat");
    figure.append(this.up, this.plot, this.across);
    this.said = element("p", "said");
    this.root.append(element("summary", "", "Two margins at once"), this.choosers, figure, this.said);
  }

  /** The stages that can be looked at; keeps what was chosen as far as it is there. */
  offer(stages, columns) {
    this.stages = new Map(stages.map((stage) => [stage.name, stage]));
    this.columns = columns;
    const margins = stages[0].origin.panels.filter(({ maxim }) => maxim).map(({ maxim }) => maxim);
    const first = { stage: stages[0].name, x: margins[0], y: margins[2] ?? margins[1] };
    const { stage, x, y } = this.chosen;
    this.chosen = {
      stage: this.stages.has(stage) ? stage : first.stage,
      x: margins.includes(x) ? x : first.x,
      y: margins.includes(y) ? y : first.y,
    };
    const named = (name) => ({ value: name, title: name });
    const choose = (what) => (value) => {
      this.chosen[what] = value;
      this.draw();
    };
    const titles = stages.map((one) => ({ value: one.name, title: one.origin.title }));
    this.choosers.replaceChildren(
      chooser("Stage", titles, this.chosen.stage, choose("stage")),
      chooser("x axis", margins.map(named), this.chosen.x, choose("x")),
      chooser("y axis", margins.map(named), this.chosen.y, choose("y")),
    );
    this.totals = new Map();
  }

  /** One axis: bins over the column of a margin. */
  axis(maxim, stage) {
    const panel = stage.origin.panels.find((one) => one.maxim === maxim);
    const { codes, edges } = this.columns[panel.column];
    const binOf = barsOf({ edges }, panel, (panel.high - panel.low) / NUM_BINS);
    return { name: panel.column, codes, binOf, numBins: NUM_BINS, panel };
  }

  /** Redraw, if a stage is named only where it is the one that is shown. */
  draw(only) {
    if (!this.root.open || !this.stages) return;
    const stage = this.stages.get(this.chosen.stage);
    if (only && only !== stage) return;
    const [x, y] = [this.axis(this.chosen.x, stage), this.axis(this.chosen.y, stage)];
    const kept = this.heatOf({ stage, x, y });
    const total = this.total(x, y);
    this.paint(total, kept, y.panel.colour);
    this.plot.replaceChildren(this.canvas, ...this.lines(stage, x.panel, "x"), ...this.lines(stage, y.panel, "y"));
    this.across.textContent = `${x.panel.title} margin, −1 to 1`;
    this.up.textContent = `${y.panel.title} margin, −1 to 1`;
    const numKept = kept.reduce((sum, count) => sum + count, 0);
    const numAll = total.reduce((sum, count) => sum + count, 0);
    const words = `${whole(numKept)} of ${whole(numAll)} pairs are kept`;
    this.canvas.setAttribute("aria-label", `${x.panel.title} and ${y.panel.title}: ${words}`);
    this.said.textContent = `Grey: all scored pairs; colour: kept; the stronger, the more (logarithmic). ${words}.`;
  }

  /** All scored pairs, which no threshold changes. */
  total(x, y) {
    const key = `${x.name} ${y.name}`;
    if (!this.totals.has(key)) {
      const counts = new Uint32Array(NUM_BINS * NUM_BINS);
      const scored = this.columns.scored?.codes;
      for (let pair = 0; pair < x.codes.length; pair++)
        counts[y.binOf[y.codes[pair]] * NUM_BINS + x.binOf[x.codes[pair]]] += scored ? scored[pair] : 1;
      this.totals.set(key, counts);
    }
    return this.totals.get(key);
  }

  paint(total, kept, colour) {
    const image = new ImageData(NUM_BINS, NUM_BINS);
    const most = Math.log1p(total.reduce((one, other) => Math.max(one, other), 0));
    const coloured = rgb(colour);
    for (let bin = 0; bin < total.length; bin++) {
      if (!total[bin]) continue;
      const row = NUM_BINS - 1 - Math.floor(bin / NUM_BINS); // y goes up
      const at = 4 * (row * NUM_BINS + (bin % NUM_BINS));
      const shown = kept[bin] ? coloured : [128, 128, 128];
      const alpha = 0.25 + 0.75 * (Math.log1p(kept[bin] || total[bin]) / most);
      image.data.set([...shown, 255 * (kept[bin] ? alpha : 0.6 * alpha)], at);
    }
    this.canvas.getContext("2d").putImageData(image, 0, 0);
  }

  lines(stage, panel, direction) {
    return panel.lines.map(({ check, sign, is_certain: isCertain }) => {
      const line = element("div", `cut-off ${direction}${isCertain ? "" : " either"}`);
      const share = (sign * this.valueOf(stage, check) - panel.low) / (panel.high - panel.low);
      if (direction === "x") line.style.left = `${100 * share}%`;
      else line.style.bottom = `${100 * share}%`;
      return line;
    });
  }
}
