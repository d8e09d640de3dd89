"""How a file of labelled texts is laid out, and one to begin with."""

import streamlit as st

from grice_core.detector.labels_example import EXAMPLE_NAME, labels_example

_LAYOUT = """\
JSON, JSON Lines, CSV or Parquet, one labelled text per row:

- `response`, the text that is judged, and `context` (or `prompt`), what it answers; `evidence`, what it should rest
  on, if there is any. Or all in one `input_text`: `[CONTEXT] … [EVIDENCE] … [RESPONSE] …`
- `labels`: an object with `quantity`, `quality`, `relation` and `manner`, each 1 (violated) or 0; in a table,
  four columns of these names
- `dialogue_id`, if several texts belong to one dialogue: they are then held out together
"""


def labels_layout(key: str) -> None:
    """The layout, folded up, with a file to download.

    Args:
        key: tells it from others on the same page.
    """
    with st.expander("What the file looks like", icon=":material/data_object:"):
        st.markdown(_LAYOUT)
        st.download_button(
            "Download an example",
            labels_example(),
            EXAMPLE_NAME,
            mime="application/json",
            icon=":material/download:",
            on_click="ignore",
            key=f"example {key}",
        )
