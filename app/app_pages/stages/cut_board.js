// The board on which stages are cut. What a threshold does is computed here while it moves; the server hears of it
// when it is let go, and answers with its own counts. Stands behind the other cut_*.js.

const COMMIT_MS = 350; // after the last of several keys
const HELD_MS = 250; // that a line is held still, until what the server shows of the pairs follows
const cache = new Map(); // of columns by their addresses; the script is loaded once for all boards

const fetched = async (address, numPairs) => {
  // A part, if the whole: Streamlit would take seconds to compress columns, which hardly shrink.
  const answer = await fetch(new URL(address, document.baseURI), { headers: { Range: "bytes=0-" } });
  if (!answer.ok) throw new Error(`${answer.status} ${answer.statusText}`);
  return readColumn(await answer.arrayBuffer(), numPairs);
};

/** The columns by name; those of before that are still used are not fetched again. */
const loadColumns = async (addresses, numPairs) => {
  const wanted = new Set(Object.values(addresses));
  for (const address of cache.keys()) if (!wanted.has(address)) cache.delete(address);
  for (const address of wanted) {
    if (cache.has(address)) continue;
    const column = fetched(address, numPairs);
    cache.set(address, column);
    column.catch(() => cache.delete(address));
  }
  const names = Object.keys(addresses);
  const columns = await Promise.all(names.map((name) => cache.get(addresses[name])));
  return Object.fromEntries(names.map((name, index) => [name, columns[index]]));
};

class CutBoard {
  constructor(place) {
    this.place = place;
    this.moved = new Map(); // values of thresholds that the server has not answered to, by name
    this.isTold = true; // of all of them
    this.told = 0; // when it was told last
    this.map = new HeatMap(
      (wanted) => this.heat(wanted),
      (stage, index) => this.valueOf(stage.checks[index]),
    );
  }

  async update(data, send) {
    this.send = send;
    if (this.isTold && data.heard >= this.told) this.moved.clear();
    this.data = data;
    try {
      const columns = await loadColumns(data.columns, data.num_pairs);
      if (data === this.data) this.redraw(columns);
    } catch (error) {
      if (data === this.data) this.fail(error);
    }
  }

  fail(error) {
    console.error(error);
    const said = `The histograms could not be loaded (${error.message}). Switch on “Plain controls” below, or reload.`;
    this.place.replaceChildren(element("p", "failure", said));
    this.structure = null;
  }

  redraw(columns) {
    const { stages, log, num_pairs: numPairs, held_out: heldOut } = this.data;
    const fixed = (key, value) => (["exact", "above"].includes(key) ? undefined : value);
    const structure = JSON.stringify([stages, log, numPairs, heldOut, this.data.columns], fixed);
    if (structure !== this.structure || !this.showsAllLines()) {
      const focused = this.place.getRootNode().activeElement?.dataset.key;
      this.structure = structure;
      this.build(columns);
      if (focused) this.place.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
    }
    this.draw();
    // When that has been painted; `benchmarks.app` looks for it.
    requestAnimationFrame(() => setTimeout(() => performance.mark("grice stages drawn")));
  }

  build(columns) {
    const { stages, log, num_pairs: numPairs, held_out: heldOut } = this.data;
    const own = stages.map((stage) => ({
      name: stage.name,
      checks: stage.checks.map((check) => ({ ...check })),
      shown: [...new Set(stage.panels.map(({ column }) => column))],
      isShown: stage.is_shown,
      origin: stage,
    }));
    this.engine = new CutEngine(numPairs, columns, own, heldOut);
    this.setThresholds();
    this.shown = own.filter(({ isShown }) => isShown);
    this.views = new Map();
    for (const stage of this.shown) {
      const controls = stage.checks.map((check, index) => this.control(stage, index));
      const choose = (bar) => this.send("bar", bar);
      this.views.set(stage, new CutStage(stage.origin, columns, numPairs, log, controls, choose));
    }
    this.overlaps = element("div", "overlaps");
    const sections = [...this.views.values()].map((view) => view.root);
    this.map.offer(this.shown, columns);
    this.place.replaceChildren(...sections, this.overlaps, this.map.root);
  }

  /** Whether each line lies within the part of its histogram that is drawn. */
  showsAllLines() {
    return this.data.stages.every((stage) => {
      const view = [...this.views.values()].find(({ stage: { name } }) => name === stage.name);
      return !view || view.panels.every((panel) => panel.hasRoomFor(stage.checks));
    });
  }

  valueOf(check) {
    return this.moved.get(check.threshold?.name) ?? check.above;
  }

  control(stage, index) {
    const check = stage.origin.checks[index];
    const { threshold } = check;
    return {
      threshold,
      key: `${threshold?.name}`,
      value: this.valueOf(check),
      prepare: () => setTimeout(() => this.engine.table(stage, index)),
      preview: (value) => {
        this.moved.set(threshold.name, value);
        this.isTold = false;
        if (this.dragged?.stage !== stage || this.dragged.index !== index) this.setThresholds();
        this.dragged = { stage, index };
        this.scheduled ??= requestAnimationFrame(() => this.frame());
        if (this.data.follows) this.holdStill();
      },
      commit: () => this.commit(),
      commitSoon: () => {
        clearTimeout(this.soon);
        this.soon = setTimeout(() => this.commit(), COMMIT_MS);
      },
      cancel: () => {
        clearTimeout(this.still);
        this.moved.delete(threshold.name);
        this.isTold = true;
        this.draw();
        if (this.data.follows) this.send("held", { moves: {} });
      },
    };
  }

  holdStill() {
    clearTimeout(this.still);
    this.still = setTimeout(() => this.send("held", { moves: Object.fromEntries(this.moved) }), HELD_MS);
  }

  commit() {
    clearTimeout(this.soon);
    clearTimeout(this.still);
    if (this.isTold) return;
    this.isTold = true;
    this.told = Date.now();
    this.setThresholds();
    this.send("moved", { moves: Object.fromEntries(this.moved), told: this.told });
  }

  setThresholds() {
    for (const stage of this.engine.stages)
      stage.checks.forEach((check, index) => {
        const now = this.data.stages.find(({ name }) => name === stage.name).checks[index];
        check.above = this.valueOf(now);
      });
  }

  /** While a threshold moves: its own stage. */
  frame() {
    this.scheduled = null;
    if (this.isTold || !this.views.has(this.dragged?.stage)) return;
    const { stage, index } = this.dragged;
    const value = this.moved.get(stage.checks[index].threshold.name);
    const found = this.engine.moved(stage, index, value);
    this.drawStage(stage, found, this.liveNumbers(stage, found), { [index]: value });
    this.drawOverlaps(stage, found);
    this.map.draw(stage);
  }

  /** All stages: with the server's numbers, if it has answered to all that was moved. */
  draw() {
    this.setThresholds();
    this.dragged = null;
    for (const { stages, count } of this.data.overlaps) this.drawOverlap(stages, count);
    for (const stage of this.shown) {
      const found = this.engine.now(stage);
      const { exact } = this.data.stages.find(({ name }) => name === stage.name);
      this.drawStage(stage, found, this.moved.size ? this.liveNumbers(stage, found) : exact, {});
      if (this.moved.size) this.drawOverlaps(stage, found);
    }
    this.map.draw();
  }

  drawStage(stage, { counts }, numbers, moving) {
    const values = stage.checks.map(({ above }, index) => moving[index] ?? above);
    this.views.get(stage).draw(counts, numbers, values);
  }

  liveNumbers(stage, { kept, dropped, heldOut, counts }) {
    const margins = stage.origin.panels.filter(({ maxim }) => maxim);
    return {
      kept, dropped, held_out: heldOut,
      margins: Object.fromEntries(
        margins.map(({ maxim, column }) => [maxim, meanAndSd(this.engine.columns[column], counts[column])]),
      ),
    };
  }

  drawOverlaps(stage, { shared }) {
    for (const [other, count] of Object.entries(shared)) this.drawOverlap([stage.name, other], count);
  }

  drawOverlap(names, count) {
    const known = this.data.overlaps.find(({ stages }) => stages.every((name) => names.includes(name)));
    if (!known) return;
    const [one, other] = known.titles;
    const line = element("p", "overlap", `${one} and ${other} share ${countOf(count, "pair")}.`);
    line.dataset.stages = known.stages.join("&");
    if (count) {
      const show = element("button", "", "show");
      show.onclick = () => this.send("overlap", { stages: known.stages });
      line.append(show);
    }
    const before = [...this.overlaps.children].find(({ dataset }) => dataset.stages === line.dataset.stages);
    if (before) before.replaceWith(line);
    else this.overlaps.append(line);
  }

  /** What the heat map shows of a stage: pairs by two margins, with the threshold that moves where it is. */
  heat({ stage, x, y }) {
    const isMoving = !this.isTold && this.dragged?.stage === stage;
    const index = isMoving ? this.dragged.index : null;
    const value = isMoving ? this.moved.get(stage.checks[index].threshold.name) : null;
    return this.engine.heat(stage, index, value, x, y);
  }
}

const boards = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  const place = parentElement.querySelector(".board");
  if (!boards.has(place)) boards.set(place, new CutBoard(place));
  boards.get(place).update(data, setTriggerValue);
}
