"""The engine of Autoencoder Lab: trains autoencoders, serves them, and measures them.

It never imports streamlit, and importing it loads neither TensorFlow nor Keras:
`presets`, `store`, `model`, `data`, `images`, `metrics` and the feature modules stand on numpy and
ONNX Runtime alone; `networks`, `training` and `export` are the training side.
"""
