package machine

import "testing"

func TestFileSystem(t *testing.T) {
	mounts := "/dev/vda / ext4 rw 0 0\ntmpfs /tmp tmpfs rw 0 0\n/dev/vdb /tmp/disk xfs rw 0 0\n"
	for dir, want := range map[string]string{"/": "ext4", "/tmp": "tmpfs", "/tmp/a": "tmpfs", "/tmp/disk/b": "xfs", "/tmpfoo": "ext4"} {
		if got := fileSystem(mounts, dir); got != want {
			t.Errorf("%s is on %q, want %q", dir, got, want)
		}
	}
}
