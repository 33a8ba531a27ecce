package nodes

import (
	"context"
	"os/exec"
	"strings"
)

// Version is the commit that the nodes are of, as git describes it; "" where this is
// no clone.
func Version(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty").Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}
