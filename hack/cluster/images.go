package cluster

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"sigs.k8s.io/kind/pkg/apis/config/defaults"
)

// NodeImageVariable names the node image to take, where it is set.
const NodeImageVariable = "KIND_NODE_IMAGE"

// pullPatience is how long kind's own node image may take to come, before one is
// built instead: it has some 400 MiB.
const pullPatience = 5 * time.Minute

// ownCNI is what a node image has that relies on kind's network plugin. One
// without it, as hack/kind-node builds, brings a plugin of its own.
const ownCNI = "/kind/manifests/default-cni.yaml"

// NodeImage is the image of a kind node: the one KIND_NODE_IMAGE names, else
// kind's own where it is here or can be had, else one built by hack/kind-node,
// which takes some twelve minutes on two cores, the first time.
func (h *Host) NodeImage(ctx context.Context) (string, error) {
	if image := os.Getenv(NodeImageVariable); image != "" {
		return image, nil
	}
	if h.has(ctx, defaults.Image) {
		return defaults.Image, nil
	}
	build := h.Path("hack", "kind-node", "build.sh")
	if tag, err := h.output(ctx, build, "tag"); err == nil && h.has(ctx, tag) {
		return tag, nil
	}
	h.say("fetching the node image %s", defaults.Image)
	pulling, cancel := context.WithTimeout(ctx, pullPatience)
	defer cancel()
	if _, err := h.output(pulling, "docker", "pull", "--quiet", defaults.Image); err == nil {
		return defaults.Image, nil
	} else if ctx.Err() != nil {
		return "", err
	}
	h.say("it cannot be had: building one from source, which takes some minutes")
	if err := h.run(ctx, build); err != nil {
		return "", fmt.Errorf("build a node image, or name one in %s: %w", NodeImageVariable, err)
	}
	return h.output(ctx, build, "tag")
}

// has reports whether Docker has an image.
func (h *Host) has(ctx context.Context, image string) bool {
	_, err := h.output(ctx, "docker", "image", "inspect", image)
	return err == nil
}

// bringsNetwork reports whether a node image has a network plugin of its own.
func (h *Host) bringsNetwork(ctx context.Context, image string) (bool, error) {
	if !h.has(ctx, image) {
		if err := h.run(ctx, "docker", "pull", "--quiet", image); err != nil {
			return false, fmt.Errorf("fetch the node image %s; name another in %s: %w", image, NodeImageVariable, err)
		}
	}
	out, err := h.output(ctx, "docker", "run", "--rm", "--network=none", "--entrypoint=/bin/sh", image,
		"-c", "if [ -f "+ownCNI+" ]; then echo kind; else echo own; fi")
	if err != nil {
		return false, fmt.Errorf("look into the node image %s; name another in %s: %w", image, NodeImageVariable, err)
	}
	return out == "own", nil
}

// Image is posnet's own image, as Docker has it.
type Image struct{ Repository, Tag string }

// String is the image's reference.
func (i Image) String() string { return i.Repository + ":" + i.Tag }

// Values are the chart's settings that make it run this image.
func (i Image) Values() []string {
	return []string{"--set-string", "image.repository=" + i.Repository, "--set-string", "image.tag=" + i.Tag}
}

// repository is where posnet's images are.
const repository = "posnet/posnet"

// BuildImage builds posnet's image, of a version, from this source. Its tag has
// the content's hash at its end: what has changed is rolled out, what has not is
// left alone.
func (h *Host) BuildImage(ctx context.Context, version string) (Image, error) {
	h.say("building the image of posnet %s", version)
	built := Image{Repository: repository, Tag: version}
	if _, err := h.output(ctx, "make", "--silent", "image", "VERSION="+version, "IMAGE="+built.String()); err != nil {
		return Image{}, err
	}
	id, err := h.output(ctx, "docker", "image", "inspect", "--format", "{{.Id}}", built.String())
	if err != nil {
		return Image{}, err
	}
	_, digest, _ := strings.Cut(id, ":")
	if len(digest) < tagDigits {
		return Image{}, fmt.Errorf("docker image inspect %s: %q is no image's id", built, id)
	}
	tagged := Image{Repository: repository, Tag: version + "-" + digest[:tagDigits]}
	_, err = h.output(ctx, "docker", "tag", built.String(), tagged.String())
	return tagged, err
}

// tagDigits of an image's id tell it from all others on a machine.
const tagDigits = 12
