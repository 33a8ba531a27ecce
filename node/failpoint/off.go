//go:build !failpoints

package failpoint

import "github.com/cockroachdb/pebble/v2/vfs"

// Pass does nothing.
func Pass(Point) {}

// FileSystem returns the disk itself.
func FileSystem(disk vfs.FS) vfs.FS { return disk }
