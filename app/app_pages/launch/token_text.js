// Foreign text goes into text nodes only, so nothing in it can become markup.
export default function ({ data, parentElement }) {
  const place = parentElement.querySelector(".text");
  place.replaceChildren(
    ...data.parts.map(({ pieces, trained }) => {
      const part = document.createElement(trained ? "mark" : "span");
      part.append(
        ...pieces.map(({ text, is_special }) => {
          if (!is_special) return document.createTextNode(text);
          const token = document.createElement("span");
          token.className = "special";
          token.textContent = text;
          return token;
        }),
      );
      return part;
    }),
  );
}
