package machine

import (
	"os"
	"strings"
)

// InMemory reports whether a folder is on no disk, as /tmp is on some systems.
func InMemory(dir string) bool {
	mounts, err := os.ReadFile("/proc/self/mounts")
	return err == nil && fileSystem(string(mounts), dir) == "tmpfs"
}

// fileSystem returns the type of what is mounted where dir is, from the text of
// /proc/self/mounts: that of the longest mount point above dir.
func fileSystem(mounts, dir string) string {
	kind, longest := "", 0
	for _, line := range strings.Split(mounts, "\n") {
		fields := strings.Fields(line)
		if len(fields) < 3 {
			continue
		}
		point := fields[1]
		above := dir == point || strings.HasPrefix(dir, strings.TrimSuffix(point, "/")+"/")
		if above && len(point) >= longest {
			kind, longest = fields[2], len(point)
		}
	}
	return kind
}
