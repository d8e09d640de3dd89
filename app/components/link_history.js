// What a page puts into its own link before anybody has touched it (which data set it shows, say) only
// completes the link. It is no step to go back to: whoever went back to the incomplete link would see it
// completed again, and never come any further back.
//
// Streamlit tells the browser a page's link at once, but which page it is only when that has been drawn.
// With both messages there, the link of the page to come is written over the link of the page that is
// left, which would be another one when somebody came back to it.

const PATCHED = "griceLinkHistory";

const isInPage = (event) =>
  event.composedPath().some((node) => node.dataset?.testid === "stMain");

export default function () {
  if (window[PATCHED]) return;
  window[PATCHED] = true;
  let touched = false; // the page, by its user
  let before = location.href; // when its user did something last
  let stepped = false; // since then
  const push = history.pushState.bind(history);

  const stay = (state, url) => {
    if (!touched || stepped) return history.replaceState(state, "", url);
    stepped = true;
    return push(state, "", url);
  };

  const leave = (state, url) => {
    const cameEarly = location.href !== before && location.search === url.search;
    touched = false;
    if (!cameEarly) return push(state, "", url);
    if (stepped) return history.replaceState(state, "", url);
    history.replaceState(history.state, "", before);
    return push(state, "", url);
  };

  history.pushState = (state, _, link) => {
    const url = new URL(link ?? "", location.href);
    return (url.pathname === location.pathname ? stay : leave)(state, url);
  };
  const note = (touch) => {
    touched = touch;
    before = location.href;
    stepped = false;
  };
  addEventListener("popstate", () => note(false), true);
  for (const kind of ["pointerdown", "keydown"])
    document.addEventListener(kind, (event) => note(touched || isInPage(event)), true);
}
