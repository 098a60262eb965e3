# syntax=docker/dockerfile:1
# Two small images from one build: `--target exporter` and `--target receiver`.
# `make test` checks this file with hadolint; it builds no image.
# Each runs as a user without rights, with certificates of public authorities, and writes to /data only.
FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
# Crates and what was compiled of them stay in the builder's cache: a change of the source compiles this project only.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked -p modelwatch-exporter -p modelwatch-receiver \
    && install -D -t /out target/release/modelwatch-exporter target/release/modelwatch-receiver \
    && mkdir /data

# The programs' image has no shell and no client to ask a program how it is: this one, linked statically, asks for them.
FROM busybox:1.37.0-musl AS client

FROM gcr.io/distroless/cc-debian12:nonroot AS exporter
COPY --from=client /bin/wget /usr/bin/wget
COPY --from=build /out/modelwatch-exporter /usr/local/bin/
COPY --from=build --chown=nonroot:nonroot /data /data
VOLUME /data
EXPOSE 9740
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["wget", "-q", "-O", "/dev/null", "http://127.0.0.1:9740/-/ready"]
ENTRYPOINT ["modelwatch-exporter"]

FROM gcr.io/distroless/cc-debian12:nonroot AS receiver
COPY --from=client /bin/wget /usr/bin/wget
COPY --from=build /out/modelwatch-receiver /usr/local/bin/
COPY --from=build --chown=nonroot:nonroot /data /data
VOLUME /data
EXPOSE 9741
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["wget", "-q", "-O", "/dev/null", "http://127.0.0.1:9741/-/ready"]
ENTRYPOINT ["modelwatch-receiver"]
