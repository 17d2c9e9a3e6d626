# A server of one trained model, on the CPU:
#   docker build -t kser .
#   docker run --init --read-only --tmpfs /tmp -p 8000:8000 -v "$PWD/results/study/model/seed_0/model:/model:ro" kser
FROM python:3.11-slim

WORKDIR /build
COPY pyproject.toml constraints.txt README.md LICENSE* ./
COPY kser kser
RUN pip install --no-cache-dir -c constraints.txt '.[serve]' && rm -r /build/*

RUN useradd --create-home kser
USER kser
WORKDIR /home/kser
ENV KERAS_BACKEND=jax PYTHONUNBUFFERED=1
EXPOSE 8000
# A large model takes minutes to compile on few cores, and answers 503 meanwhile.
HEALTHCHECK --interval=10s --timeout=5s --start-period=10m --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/health', timeout=4)"]
ENTRYPOINT ["kser", "serve", "/model", "--host", "0.0.0.0"]
