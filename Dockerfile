# The app alone (target "app", no TensorFlow: much smaller) or with training (target "train").
#   docker build --target app -t autoencoder-lab .
#   docker build --target train -t autoencoder-lab:train .
FROM python:3.11-slim AS app
WORKDIR /lab
# Requirements first: they change seldom, so a new page does not fetch them again.
COPY requirements-app.txt .
RUN pip install --no-cache-dir -r requirements-app.txt
COPY . .
# Nobody needs root to look at pictures; own models are written to /models, and caches of libraries to the home.
# A cluster may give the app any user id, of group 0: so both belong to that group.
RUN useradd --uid 1000 --gid 0 --create-home lab && mkdir /models && chown lab:0 /models && chmod g=u /models /home/lab
USER 1000
ENV HOME=/home/lab AE_MODELS_DIR=/models
VOLUME /models
EXPOSE 8501
# Streamlit answers here once it can serve a page.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s CMD ["python", "-c", \
    "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8501/_stcore/health', timeout=2)"]
CMD ["python", "-m", "streamlit", "run", "app.py", "--server.address=0.0.0.0", "--server.headless=true"]

FROM app AS train
USER root
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
USER 1000
