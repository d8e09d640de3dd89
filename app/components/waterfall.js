// Each reason takes its share off the bar of all pairs; all words are put into text nodes.
export default function ({ data, parentElement }) {
  const rows = data.rows.map(({ name, count, start, share, is_kept }) => {
    const row = document.createElement("tr");
    const [label, number, track] = [0, 0, 0].map(() => document.createElement("td"));
    label.textContent = name;
    number.textContent = count.toLocaleString("en");
    track.className = "track";
    const bar = document.createElement("div");
    bar.className = is_kept ? "bar kept" : "bar";
    bar.style.marginLeft = `${100 * start}%`;
    bar.style.width = `${100 * share}%`;
    if (count) track.append(bar);
    row.append(label, number, track);
    if (is_kept) row.className = "last";
    return row;
  });
  parentElement.querySelector("tbody").replaceChildren(...rows);
}
