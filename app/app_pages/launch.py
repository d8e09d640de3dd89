"""Launch: what will happen, does anything speak against it, go."""

import streamlit as st

from app.components.checklist import checklist
from app.components.launch_form import Launch, launch_form
from app.launch_plan import command, estimate, plan, preflight
from app.navigation import go_to, link_to
from app.run_queue import run_queue
from app.session import known_data_sets, open_data, studio
from app.wording import plain_markdown
from grice_core.recipes.documents import to_yaml


def show() -> None:
    """The page."""
    st.title("Launch")
    if not known_data_sets():
        st.info("A pipeline learns from pairs, and there are none yet.", icon=":material/upload:")
        link_to("data", "Upload your own pairs", ":material/upload:")
        return
    left, right = st.columns([2, 3], gap="large")
    with left:
        launch = launch_form()
    with right:
        _decide(launch)


def _decide(launch: Launch) -> None:
    table = open_data(launch.data.artifact_sha256).table
    prompts = open_data(launch.prompts.artifact_sha256).table.prompts
    planned = plan(launch.request, table, prompts)
    checks = list(preflight(studio(), launch.request, planned, run_queue().workers()))
    stopped = any(check.state == "stop" for check in checks)
    st.markdown(f"**{plain_markdown(estimate(studio(), launch.request.base, planned))}**")
    if st.button(
        "Launch",
        type="primary",
        icon=":material/rocket_launch:",
        disabled=stopped,
        help="Asking twice for the same gives one pipeline.",
    ):
        pipeline_id = run_queue().submit(launch.request)
        go_to("runs", pipeline=str(pipeline_id))
    checklist(checks)
    _without_a_browser(launch)


def _without_a_browser(launch: Launch) -> None:
    recipe = launch.request.recipe
    names = launch.data.name, launch.prompts.name
    st.caption(f"The same without a browser, with the recipe below as {recipe.name}.yaml:")
    st.code(
        command(launch.request, names, f"{recipe.name}.yaml", out="results"),
        language=None,
        wrap_lines=True,
    )
    with st.expander("The whole recipe"):
        st.code(to_yaml(recipe), language="yaml")
