"""The engine of Autoencoder Lab: trains autoencoders, serves them, and measures them.

It never imports streamlit, and importing it loads neither TensorFlow nor Keras:
the rooms `pictures`, `features` and `own` stand on numpy and ONNX Runtime alone; `training` is the only
one that imports Keras.
"""
import os

# ONNX Runtime's newer wheels report their use to an outside address unless told not to before they are imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
