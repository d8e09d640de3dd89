// Histograms side by side, wrapping on narrow screens; stands behind histogram.js.
const drawn = (panel, log, choose) => {
  const histogram = new Histogram(panel, log, choose);
  histogram.show(panel.total);
  histogram.frame.setAttribute("aria-label", `${panel.title}: ${panel.summary}`);
  return histogram.root;
};

export default function ({ data, parentElement, setTriggerValue }) {
  const choose = (bar) => setTriggerValue("bar", bar);
  parentElement
    .querySelector(".row")
    .replaceChildren(...data.panels.map((panel) => drawn(panel, data.log, choose)));
}
