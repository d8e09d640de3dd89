// What a cut does, stage by stage: histograms, what was dropped why, what the kept pairs would teach. One
// component for all of it, so that a moved threshold is one message and one redraw; stands behind
// histogram.js.

const cells = (...parts) => {
  const row = element("tr", "");
  row.append(...parts);
  return row;
};

const tableOf = (className, title, head, rows) => {
  const table = element("table", className);
  table.append(element("caption", "", title));
  if (head.length) {
    const top = element("thead", "");
    top.append(cells(...head.map(([words, kind]) => element("th", kind, words))));
    table.append(top);
  }
  const body = element("tbody", "");
  body.append(...rows);
  table.append(body);
  const place = element("div", "");
  place.append(table);
  return place;
};

function droppedRow({ name, count, start, share, is_kept }) {
  const track = element("td", "track");
  if (count) {
    const bar = element("div", is_kept ? "bar kept" : "bar");
    bar.style.marginLeft = `${100 * start}%`;
    bar.style.width = `${100 * share}%`;
    track.append(bar);
  }
  const row = cells(
    element("th", "", name),
    element("td", "number", count.toLocaleString("en")),
    track,
  );
  if (is_kept) row.className = "last";
  return row;
}

function learnedRow({ maxim, colour, mean_sd, verdict }) {
  const name = element("th", "", maxim);
  const swatch = element("span", "swatch");
  swatch.style.background = colour;
  name.prepend(swatch);
  return cells(name, element("td", "number", mean_sd), element("td", "", verdict));
}

function drawStage(stage, log, choose) {
  const section = element("section", "stage");
  section.append(element("h3", "", stage.title));
  section.append(element("p", "remark", "Data margins: grey: all pairs; colour: kept."));
  const row = element("div", "row");
  row.append(
    ...stage.panels.map((panel) =>
      drawPanel(panel, log, ({ title }, low, width) =>
        choose("bar", { panel: title, low, high: low + width }),
      ),
    ),
  );
  const tables = element("div", "tables");
  tables.append(
    tableOf("why", "Why pairs were dropped", [], stage.dropped.map(droppedRow)),
    tableOf(
      "learned",
      "Data margins of the kept pairs",
      [["", ""], ["mean ± sd", "number"], ["mean > 0?", ""]],
      stage.learned.map(learnedRow),
    ),
  );
  section.append(row, tables);
  return section;
}

function drawOverlap({ words, stages, count }, choose) {
  const line = element("p", "overlap", words);
  if (count) {
    const show = element("button", "", "show");
    show.onclick = () => choose("overlap", { stages });
    line.append(show);
  }
  return line;
}

export default function ({ data, parentElement, setTriggerValue }) {
  parentElement
    .querySelector(".evidence")
    .replaceChildren(
      ...data.stages.map((stage) => drawStage(stage, data.log, setTriggerValue)),
      ...data.overlaps.map((overlap) => drawOverlap(overlap, setTriggerValue)),
    );
}
