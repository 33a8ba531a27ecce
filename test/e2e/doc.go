// Package e2e holds the tests of the whole on a real cluster: "make e2e" makes a
// kind cluster, installs the chart and tells the stories below, one file each, in
// the order of TestStories. They need Docker, and are built with the tag e2e only.
//
// KIND_NODE_IMAGE names the node image; E2E_KEEP=1 leaves the cluster (posnet-e2e)
// up at the end, with its kubeconfig in the folder that is printed; -run
// 'TestStories/(install|rollout)' tells some stories only, of which the first one,
// install, is always needed.
package e2e
