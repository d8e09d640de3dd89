#!/usr/bin/env bash
# streamlit 1.67.0: an application that is started by `st.App(...).run()` does not read Streamlit's
# environment variables, although the docstring of `run` says that without `config` "config comes from
# config.toml and environment variables as usual". The same file, started by `streamlit run`, reads them.
#
# Seen: STREAMLIT_SERVER_MAX_UPLOAD_SIZE=7 gives 7 by `streamlit run`, 200 (the default) by `App.run()`.
# So limits that an administrator sets are dropped without a word. What to do: start it by `streamlit run`.
set -euo pipefail

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install -q --disable-pip-version-check 'streamlit==1.67.0'

cat > "$place/page.py" <<'PY'
import streamlit as st

st.write("a page")
PY
cat > "$place/started.py" <<'PY'
import os
from contextlib import asynccontextmanager

import streamlit as st


@asynccontextmanager
async def lifespan(app):
    print("limit:", st.get_option("server.maxUploadSize"), flush=True)
    os._exit(0)
    yield


app = st.App("page.py", lifespan=lifespan)
if __name__ == "__main__":
    app.run()
PY

cd "$place"
export STREAMLIT_SERVER_MAX_UPLOAD_SIZE=7 STREAMLIT_SERVER_HEADLESS=true STREAMLIT_SERVER_PORT=8593
by_command=$(timeout 100 venv/bin/streamlit run started.py 2>/dev/null | grep '^limit:')
by_itself=$(timeout 100 venv/bin/python started.py 2>/dev/null | grep '^limit:')
echo "by streamlit run: $by_command"
echo "by App.run:       $by_itself"
[ "$by_command" = "limit: 7" ]
[ "$by_itself" = "limit: 200" ]
