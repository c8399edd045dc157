"""MLflow: runs with live metrics, releases as model versions, and the alias `champion`: what is live."""
