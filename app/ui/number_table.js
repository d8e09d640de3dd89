// Rows that are drawn as blocks would be no rows to a screen reader if it weren't said.
const ROLES = { table: "table", thead: "rowgroup", tbody: "rowgroup", tr: "row", th: "columnheader", td: "cell" };

// Words go into text nodes only, so nothing in them can become markup.
const element = (tag, className, text) => {
  const made = document.createElement(tag);
  if (ROLES[tag]) made.setAttribute("role", ROLES[tag]);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
};

const isDark = (host) => {
  const colour = getComputedStyle(host).getPropertyValue("--st-background-color").trim();
  const channels = /^#[0-9a-f]{6}$/i.test(colour) ? colour.slice(1).match(/../g).map((c) => parseInt(c, 16)) : [255];
  return Math.max(...channels) < 128;
};

// With more columns than this a narrow screen gets each row as a block, a title above every number.
const FEW_COLUMNS = 5;

export default function ({ data, parentElement }) {
  const place = parentElement.querySelector(".scroll");
  const head = element("tr");
  head.append(...data.titles.map((title) => element("th", "", title)));
  const rows = data.rows.map((cells) => {
    const row = element("tr");
    for (const [column, cell] of cells.entries()) {
      const made = element("td", cell.wraps ? `wraps ${cell.tone}` : cell.tone, cell.text);
      if (cell.tint) {
        const colour = cell.tint < 0 ? "#d55e00" : "#0072b2";
        made.style.backgroundColor = `color-mix(in srgb, ${colour} ${Math.abs(cell.tint) * 50}%, transparent)`;
      }
      if (cell.below) made.append(element("small", "", cell.below));
      made.dataset.title = data.titles[column];
      row.append(made);
    }
    return row;
  });
  const table = element("table", isDark(place) ? "dark" : "");
  table.classList.toggle("wide", data.titles.length > FEW_COLUMNS);
  const parts = [element("thead"), element("tbody")];
  parts[0].append(head);
  parts[1].append(...rows);
  table.append(...parts);
  place.replaceChildren(table);
}
