"""What every page needs: it knows Streamlit and Plotly, and no subject."""
