# The image of posnet: the node, the operator and the posnet command, each one
# static binary, and nothing else. Nothing is fetched to build it: "make image"
# compiles the three into dist/image and gives that folder as the context.
FROM scratch
ARG VERSION
LABEL org.opencontainers.image.title="posnet" \
      org.opencontainers.image.description="Proof-of-stake test networks from one Kubernetes manifest" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION"
COPY . /usr/local/bin/
ENV PATH=/usr/local/bin
USER 65532:65532
ENTRYPOINT ["operator"]
