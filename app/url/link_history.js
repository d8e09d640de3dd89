// What a page puts into its own link before anybody has touched it (which data set it shows, say) only
// completes the link. It is no step to go back to: anyone who went back to the incomplete link would see it
// completed again, and never come any further back.
//
// Streamlit tells the browser a page's link at once, but which page it is only when that has been drawn.
// With both messages there, the link of the page to come is written over the link of the page that is
// left, which would be another one when a user came back to it.
//
// Of a link from a page to the same page, showing something else, Streamlit tells the server once, and the
// browser not at all: whatever was clicked next would be asked with the link of before. We go there as the
// browser's Back and Forward do, which both then know of.

const PATCHED = "griceLinkHistory";

const isInPage = (event) =>
  event.composedPath().some((node) => node.dataset?.testid === "stMain");

export default function () {
  if (window[PATCHED]) return;
  window[PATCHED] = true;
  let touched, before, stepped;
  const push = history.pushState.bind(history);

  const note = (isTouched) => {
    touched = isTouched; // the page, by its user
    before = location.href; // when its user did something last
    stepped = false; // since then
  };

  const stay = (state, url) => {
    if (!touched || stepped) return history.replaceState(state, "", url);
    stepped = true;
    return push(state, "", url);
  };

  const leave = (state, url) => {
    const cameEarly = location.href !== before && location.search === url.search;
    if (cameEarly) history.replaceState(history.state, "", stepped ? url : before);
    if (!cameEarly || !stepped) push(state, "", url);
    note(false);
  };

  history.pushState = (state, _, link) => {
    const url = new URL(link ?? "", location.href);
    return (url.pathname === location.pathname ? stay : leave)(state, url);
  };
  const follow = (event) => {
    const anchor = event.target.closest('a[data-testid="stPageLink-NavLink"]');
    const isPlain = !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
    if (!anchor || anchor.target || !isPlain) return;
    const url = new URL(anchor.href);
    if (url.pathname !== location.pathname) return;
    event.preventDefault();
    event.stopPropagation();
    push({}, "", url);
    dispatchEvent(new PopStateEvent("popstate"));
  };

  note(false);
  addEventListener("click", follow, true);
  addEventListener("popstate", () => note(false), true);
  for (const kind of ["pointerdown", "keydown"])
    document.addEventListener(kind, (event) => note(touched || isInPage(event)), true);
}
