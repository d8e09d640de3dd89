// What a page puts into its own link before anybody has touched it (which data set it shows, say) only
// completes the link. It is no step to go back to: whoever went back to the incomplete link would see it
// completed again, and never come any further back.

const PATCHED = "griceLinkHistory";

const isInPage = (event) =>
  event.composedPath().some((node) => node.dataset?.testid === "stMain");

export default function () {
  if (window[PATCHED]) return;
  window[PATCHED] = true;
  let touched = false;
  const push = history.pushState.bind(history);
  history.pushState = (state, title, url) => {
    const isSamePage = new URL(url ?? "", location.href).pathname === location.pathname;
    if (isSamePage && !touched) return history.replaceState(state, title, url);
    if (!isSamePage) touched = false;
    return push(state, title, url);
  };
  addEventListener("popstate", () => (touched = false), true);
  for (const kind of ["pointerdown", "keydown"])
    document.addEventListener(kind, (event) => (touched ||= isInPage(event)), true);
}
