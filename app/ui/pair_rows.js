// A table of pairs. Foreign text goes into text nodes only, so nothing in it can become markup.
const element = (tag, className, text) => {
  const made = document.createElement(tag);
  made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
};

const textCell = (pieces, title) => {
  const cell = element("td", "quoted");
  cell.dataset.title = title;
  const clamped = element("div", "clamped");
  clamped.append(
    ...pieces.map(([text, isHit]) =>
      isHit ? element("mark", "", text) : document.createTextNode(text),
    ),
  );
  cell.append(clamped);
  return cell;
};

const marginCell = ({ maxim, text, tone }) => {
  const cell = element("td", `number ${tone}`, text);
  cell.dataset.title = maxim;
  return cell;
};

const row = (pair, choose) => {
  const made = element("tr", pair.is_marked ? "marked" : "");
  made.tabIndex = 0;
  made.setAttribute("aria-selected", String(pair.is_shown));
  made.setAttribute("aria-label", `Row ${pair.row}${pair.is_marked ? ", marked for exclusion" : ""}`);
  const number = element("td", "number", `${pair.is_marked ? "✗ " : ""}${pair.row.toLocaleString("en")}`);
  number.dataset.title = "row";
  made.append(
    number,
    textCell(pair.prompt, "prompt"),
    textCell(pair.chosen, "chosen"),
    textCell(pair.rejected, "rejected"),
    ...pair.margins.map(marginCell),
  );
  made.addEventListener("click", () => {
    if (!getSelection()?.toString()) choose(pair.row);
  });
  made.addEventListener("keydown", (event) => {
    const step = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
    if (event.key === "Enter" || event.key === " ") choose(pair.row);
    else if (step) made[step]?.focus();
    else return;
    event.preventDefault();
  });
  return made;
};

const isDark = (host) => {
  const colour = getComputedStyle(host).getPropertyValue("--st-background-color").trim();
  const channels = /^#[0-9a-f]{6}$/i.test(colour) ? colour.slice(1).match(/../g).map((c) => parseInt(c, 16)) : [255];
  return Math.max(...channels) < 128;
};

export default function ({ data, parentElement, setTriggerValue }) {
  const head = element("tr", "");
  head.append(
    ...data.titles.map((title, place) => {
      const cell = element("th", place === 0 || place > 3 ? "number" : "", title);
      cell.scope = "col";
      return cell;
    }),
  );
  const thead = document.createElement("thead");
  thead.append(head);
  const tbody = document.createElement("tbody");
  const choose = (number) => setTriggerValue("picked", number);
  tbody.append(...data.pairs.map((pair) => row(pair, choose)));
  const table = parentElement.querySelector("table");
  table.className = isDark(table) ? "dark" : "";
  // The page draws the table anew when a row is chosen; who works by key stays where they were.
  const focused = [...table.querySelectorAll("tbody tr")].indexOf(table.getRootNode().activeElement);
  table.replaceChildren(thead, tbody);
  if (focused >= 0) tbody.children[focused]?.focus({ preventScroll: true });
}
