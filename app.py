"""Home: what this is, and one click to a live run."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from explorer.imagery.builtin import BUILTIN
from explorer.training.presets import PRESETS, preset_plan
from explorer.ui import services
from explorer.ui.datasets import choose, resolve
from explorer.ui.frame import frame, stacking_columns

CARDS = Path(__file__).parent / "assets" / "builtin"

frame("Home")
st.title("Which loss finds your objects?", anchor=False)
st.markdown(
    "See on your own imagery, live, **which loss, and which sequence of losses**, gives the recall and precision that "
    "your job needs, and why."
)
st.subheader("See it live, in one click", anchor=False)
for column, (key, info) in zip(st.columns(len(BUILTIN)), BUILTIN.items(), strict=True):
    with column.container(border=True, height="stretch"):
        st.image(CARDS / f"{key}.jpg", width="stretch", alt=f"{info.name} from above")
        st.markdown(f"**{info.name}**  \n{info.sentence}")
        if st.button(
            "Train on it",
            icon=":material/play_arrow:",
            type="primary" if key == "car_park" else "secondary",
            key=f"train-{key}",
            width="stretch",
        ):
            run = services.store().create_run(preset_plan("recall_first"), resolve(f"builtin:{key}"))
            services.engine().submit(run.id)
            choose(f"builtin:{key}")
            st.switch_page("pages/train.py", query_params={"run": run.id})
st.caption(f"Trains with “{PRESETS['recall_first'].name}”: {PRESETS['recall_first'].when_to_use}")

st.subheader("The idea", anchor=False)
left, right = stacking_columns("idea", 2)
left.markdown(
    "- **Cross-entropy** is far from what you want: where 99 % of the pixels are background, finding nothing is "
    "nearly right.\n"
    "- **Weighted cross-entropy** makes a miss dear. It pushes to **recall**, and brings false alarms.\n"
    "- **Jaccard distance** sees whole objects and pushes to **precision**, but starts badly."
)
right.markdown(
    "- **Focal loss** looks at the pixels that are still wrong, and is unstable.\n"
    "- So train with weighted cross-entropy until recall is satisfying, switch to Jaccard at a small rate, and cycle.\n"
    "- Then check it: every run can be compared with plain cross-entropy and Jaccard alone, same steps, same seed."
)
st.page_link("pages/imagery.py", label="Bring your own imagery", icon=":material/upload:")

recent = services.store().runs()[:5]
if recent:
    st.subheader("Recent runs", anchor=False)
    for record in recent:
        st.page_link(
            "pages/train.py",
            label=f"{record.name} on {record.dataset_name}: {record.status}, step {record.step}",
            icon=":material/monitoring:",
            query_params={"run": record.id},
        )
