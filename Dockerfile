# Two small images from one build: `--target exporter` and `--target receiver`.
# `make test` checks this file with hadolint where that is installed; it builds no image.
# Each runs as a user without rights, with certificates of public authorities, and writes to /data only.
FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked -p modelwatch-exporter -p modelwatch-receiver \
    && mkdir /data

FROM gcr.io/distroless/cc-debian12:nonroot AS exporter
COPY --from=build /src/target/release/modelwatch-exporter /usr/local/bin/
COPY --from=build --chown=nonroot:nonroot /data /data
VOLUME /data
EXPOSE 9740
ENTRYPOINT ["modelwatch-exporter"]

FROM gcr.io/distroless/cc-debian12:nonroot AS receiver
COPY --from=build /src/target/release/modelwatch-receiver /usr/local/bin/
COPY --from=build --chown=nonroot:nonroot /data /data
VOLUME /data
EXPOSE 9741
ENTRYPOINT ["modelwatch-receiver"]
