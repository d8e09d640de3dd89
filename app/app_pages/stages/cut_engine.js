// What stages keep, computed from columns of codes: `code > position` says exactly whether a pair's number is above
// the threshold at that position among the column's edges (grice_core/data/codes.py). No DOM here.

/** A column from its file. */
const readColumn = (buffer, numPairs) => {
  const [numEdges, width] = new Uint32Array(buffer, 0, 2);
  let at = 8;
  const take = (count) => {
    const part = new Float64Array(buffer, at, count).slice(); // of its own, or the whole file would stay
    at += part.byteLength;
    return part;
  };
  const column = { edges: take(numEdges) };
  for (const part of ["counts", "means", "squares"]) column[part] = take(numEdges + 1);
  // All of one type: loops over codes of several types are compiled to slower code.
  column.codes = new Uint16Array(numPairs);
  if (width) {
    const kind = width === 1 ? Uint8Array : Uint16Array;
    column.codes.set(new kind(buffer, at, numPairs));
  } else {
    const bits = new Uint8Array(buffer, at);
    for (let pair = 0; pair < numPairs; pair++) column.codes[pair] = (bits[pair >> 3] >> (pair & 7)) & 1;
  }
  return column;
};

/** The place of the last edge that is at most a value; -1 if there is none. */
const positionOf = (edges, value) => {
  let low = 0;
  let high = edges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (edges[middle] <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
};

/** Mean and standard deviation of a column's numbers, from how many lie in each of its cells. */
const meanAndSd = (column, counts) => {
  let count = 0;
  let sum = 0;
  let squares = 0;
  for (let cell = 0; cell < counts.length; cell++) {
    count += counts[cell];
    sum += counts[cell] * column.means[cell];
    squares += counts[cell] * column.squares[cell];
  }
  if (!count) return { mean: null, std: null };
  const mean = sum / count;
  return { mean, std: Math.sqrt(Math.max(squares / count - mean * mean, 0)) };
};

/** How many of some pairs have each code. */
const tally = (pairs, codes, numCodes) => {
  const counts = new Uint32Array(numCodes + 1); // one more, so that sums from the end begin with 0
  for (let one = 0; one < pairs.length; one++) counts[codes[pairs[one]]]++;
  return counts;
};

/** Those of some pairs whose code is above a position. */
const above = (pairs, codes, position) => {
  const passing = new Uint32Array(pairs.length);
  let count = 0;
  for (let one = 0; one < pairs.length; one++) {
    passing[count] = pairs[one];
    count += codes[pairs[one]] > position ? 1 : 0;
  }
  return passing.subarray(0, count);
};

/** Row by row of `width` numbers, each the sum of itself and all rows after it. */
const summedFromEnd = (table, width = 1) => {
  for (let cell = table.length - width - 1; cell >= 0; cell--) table[cell] += table[cell + width];
  return table;
};

/**
 * All that one stage would show for every position of one of its thresholds.
 *
 * What a pair adds depends on its code in the moving column alone, all else being fixed. So one pass over the pairs
 * counts by that code, and a frame of a drag only reads a row of sums.
 */
class CutTable {
  constructor(engine, stage, moving) {
    this.stage = stage;
    this.moving = moving;
    const column = moving === null ? null : engine.columnOf(stage.checks[moving]);
    this.numRows = column ? column.edges.length + 1 : 1;
    this.codes = column ? column.codes : engine.nothing;
    this.fixed = []; // dropped by each check before the moving one
    this.reached = []; // pairs that reach the moving check and each later one, and those that pass all, by row
    let pairs = engine.everything;
    stage.checks.forEach((check, index) => {
      if (index === moving) return this.reached.push(this.rowsOf(pairs));
      const passing = above(pairs, engine.columnOf(check).codes, engine.positionOf(check));
      if (moving === null || index < moving) this.fixed.push(pairs.length - passing.length);
      else this.reached.push(this.rowsOf(passing));
      pairs = passing;
    });
    if (moving === null) this.reached.push(this.rowsOf(pairs));
    this.pairs = pairs;
    this.heldOut = this.rowsOfThose(engine.columns[engine.heldOut]?.codes);
    this.shared = engine.stages
      .filter((other) => other !== stage)
      .map((other) => [other.name, this.rowsOfThose(engine.keptBy(other))]);
    this.counts = {};
    for (const name of stage.shown) this.counts[name] = this.joint(engine.columns[name]);
  }

  rowsOf(pairs) {
    return summedFromEnd(tally(pairs, this.codes, this.numRows));
  }

  /** The same of the kept pairs for which a mask holds; null without one. */
  rowsOfThose(mask) {
    if (!mask) return null;
    const { pairs, codes } = this;
    const counts = new Uint32Array(this.numRows + 1);
    for (let one = 0; one < pairs.length; one++) counts[codes[pairs[one]]] += mask[pairs[one]];
    return summedFromEnd(counts);
  }

  joint({ codes: others, edges }) {
    const { pairs, codes } = this;
    const width = edges.length + 1;
    const table = new Uint32Array((this.numRows + 1) * width);
    for (let one = 0; one < pairs.length; one++) {
      const pair = pairs[one];
      table[codes[pair] * width + others[pair]]++;
    }
    return summedFromEnd(table, width);
  }

  /** (bins²,) kept pairs by the bins of two columns, row by row of y, with the moving threshold at a position. */
  heat(x, y, position) {
    this.heats ??= new Map();
    const key = JSON.stringify([x.name, y.name]);
    const size = x.numBins * y.numBins;
    if (!this.heats.has(key)) {
      const { pairs, codes } = this;
      const table = new Uint32Array((this.numRows + 1) * size);
      for (let one = 0; one < pairs.length; one++) {
        const pair = pairs[one];
        const bin = y.binOf[y.codes[pair]] * x.numBins + x.binOf[x.codes[pair]];
        table[codes[pair] * size + bin]++;
      }
      this.heats.set(key, summedFromEnd(table, size));
    }
    const row = Math.min(position + 1, this.numRows);
    return this.heats.get(key).subarray(row * size, (row + 1) * size);
  }

  /** What the stage keeps, and why it drops the rest, with the moving threshold at a position. */
  at(position) {
    const row = Math.min(position + 1, this.numRows);
    const last = this.reached.length - 1;
    const dropped = [...this.fixed];
    for (let step = 0; step <= last; step++) {
      // The moving check drops what comes to it below the line; each later one, what it takes from above.
      if (this.moving === null) break;
      const come = step === 0 ? this.reached[0][0] : this.reached[step - 1][row];
      dropped.push(come - this.reached[step][row]);
    }
    const counts = {};
    for (const name of this.stage.shown) {
      const width = this.counts[name].length / (this.numRows + 1);
      counts[name] = this.counts[name].subarray(row * width, (row + 1) * width);
    }
    return {
      kept: this.reached[last][row],
      dropped,
      heldOut: this.heldOut && this.heldOut[row],
      shared: Object.fromEntries(this.shared.map(([name, rows]) => [name, rows[row]])),
      counts,
    };
  }
}

/** Some stages on some pairs. A stage: `name`, `checks` ({column, above}, all of which must hold), `shown` columns. */
class CutEngine {
  constructor(numPairs, columns, stages, heldOut) {
    this.columns = columns;
    this.stages = stages;
    this.heldOut = heldOut;
    this.nothing = new Uint16Array(numPairs);
    this.everything = new Uint32Array(numPairs);
    for (let pair = 0; pair < numPairs; pair++) this.everything[pair] = pair;
    this.masks = {};
    this.tables = {};
  }

  columnOf(check) {
    return this.columns[check.column];
  }

  positionOf(check) {
    return positionOf(this.columnOf(check).edges, check.above);
  }

  /** What the stage keeps with its thresholds where they are. */
  now(stage) {
    return this.table(stage, null).at(-1);
  }

  /** What it keeps with one of them, the check of that index, at another value. */
  moved(stage, index, value) {
    return this.table(stage, index).at(this.positionAt(stage, index, value));
  }

  /** Pairs by two margins, given as {name, codes, binOf, numBins}; no index: with all thresholds where they are. */
  heat(stage, index, value, x, y) {
    const position = index === null ? -1 : this.positionAt(stage, index, value);
    return this.table(stage, index).heat(x, y, position);
  }

  positionAt(stage, index, value) {
    return positionOf(this.columnOf(stage.checks[index]).edges, value);
  }

  /** The table of a stage, the last one that was made for it if nothing else has moved since. */
  table(stage, moving) {
    const key = JSON.stringify([moving, this.stages.map((one) => this.places(one, one === stage ? moving : null))]);
    const slot = `${stage.name} ${moving === null ? "now" : "moving"}`;
    if (this.tables[slot]?.key !== key) this.tables[slot] = { key, table: new CutTable(this, stage, moving) };
    return this.tables[slot].table;
  }

  /** (N,) 1 for each pair that a stage keeps. */
  keptBy(stage) {
    const key = JSON.stringify(this.places(stage, null));
    if (this.masks[stage.name]?.key !== key) {
      let pairs = this.everything;
      for (const check of stage.checks)
        pairs = above(pairs, this.columnOf(check).codes, this.positionOf(check));
      const mask = new Uint8Array(this.everything.length);
      for (const pair of pairs) mask[pair] = 1;
      this.masks[stage.name] = { key, mask };
    }
    return this.masks[stage.name].mask;
  }

  places(stage, moving) {
    return stage.checks.map((check, index) => (index === moving ? null : this.positionOf(check)));
  }
}
