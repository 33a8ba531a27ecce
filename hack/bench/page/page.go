// Package page keeps what commands measure in a page of the documentation, between
// two comments that nobody sees:
//
//	<!-- begin NAME: written by COMMAND -->
//	<!-- end NAME -->
package page

import (
	"fmt"
	"os"
	"strings"
)

// Write puts a text between a name's two comments in a file, in the place of what
// is there. It is an error if the file has no such comments.
func Write(file, name, text string) error {
	old, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	fresh, err := insert(string(old), name, text)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return os.WriteFile(file, []byte(fresh), 0o644)
}

func insert(old, name, text string) (string, error) {
	begin, end := "<!-- begin "+name+":", "<!-- end "+name+" -->"
	head, rest, found := strings.Cut(old, begin)
	comment, body, open := strings.Cut(rest, "\n")
	_, tail, closed := strings.Cut(body, end)
	if !found || !open || !closed {
		return "", fmt.Errorf("there must be a line that begins with %q, and further down %q", begin, end)
	}
	return head + begin + comment + "\n\n" + strings.TrimSpace(text) + "\n\n" + end + tail, nil
}
