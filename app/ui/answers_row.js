// Foreign text goes into text nodes only, so nothing in it can become markup.
const element = (tag, className, text) => {
  const made = document.createElement(tag);
  made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
};

const scoreRow = ({ maxim, colour, value, violated }) => {
  const bar = element("div", "bar");
  const fill = element("div", "fill");
  fill.style.width = `${100 * value}%`;
  fill.style.background = colour;
  bar.append(fill);
  const state = violated ? "violated" : "fine";
  return [
    element("span", state, `${violated ? "✗ " : ""}${maxim}`),
    bar,
    element("span", state, value.toFixed(2)),
  ];
};

const card = ({ model, colour, text, scores }) => {
  const made = element("div", "answer");
  made.style.borderTopColor = colour;
  // Without scores it is still being written.
  const fine = scores.length > 0 && scores.every((score) => !score.violated);
  const rows = element("div", "scores");
  rows.append(...scores.flatMap(scoreRow));
  made.append(element("div", "model", `${model}${fine ? " ✓" : ""}`), element("div", "text", text), rows);
  return made;
};

// What is longer than its place can be scrolled by key, too.
const letScroll = (long) => {
  if (long.scrollHeight > long.clientHeight) long.tabIndex = 0;
};

export default function ({ data, parentElement }) {
  parentElement.querySelector(".prompt").textContent = data.prompt;
  parentElement.querySelector(".answers").replaceChildren(...data.answers.map(card));
  parentElement.querySelectorAll(".prompt, .text").forEach(letScroll);
}
