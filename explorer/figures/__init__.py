"""Pictures: data in, Plotly figure out; pure functions, no torch, no streamlit."""
