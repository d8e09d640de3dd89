// Foreign text goes into text nodes only, so nothing in it can become markup.
export default function ({ data, parentElement }) {
  const place = parentElement.querySelector(".text");
  place.replaceChildren(
    ...data.pieces.map(([text, differs]) => {
      if (!differs) return document.createTextNode(text);
      const mark = document.createElement("mark");
      mark.textContent = text;
      return mark;
    }),
  );
}
