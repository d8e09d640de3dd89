// Histograms side by side, wrapping on narrow screens; stands behind histogram.js.
export default function ({ data, parentElement, setTriggerValue }) {
  const choose = (panel, low, width) =>
    setTriggerValue("bar", { panel: panel.title, low, high: low + width });
  parentElement
    .querySelector(".row")
    .replaceChildren(...data.panels.map((panel) => drawPanel(panel, data.log, choose)));
}
