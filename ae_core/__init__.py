"""The engine of Autoencoder Lab: trains autoencoders, serves them, and measures them.

It never imports streamlit, and importing it loads neither TensorFlow nor Keras:
the rooms `pictures`, `features` and `own` stand on numpy and ONNX Runtime alone; `training` is the only
one that imports Keras.
"""
