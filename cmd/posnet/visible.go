package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/term"
)

// visible returns what others' words are written to: where out is a terminal, what
// would steer it, or turn the direction of its text, stands there as JSON escapes it.
// Elsewhere all is written as it is.
func visible(out io.Writer) io.Writer {
	if isTerminal(out) {
		return escaping{out}
	}
	return out
}

func isTerminal(out io.Writer) bool {
	file, ok := out.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// escaping is a terminal. Each Write holds whole characters.
type escaping struct{ terminal io.Writer }

// Write implements io.Writer. Lines end where they are to end.
func (e escaping) Write(text []byte) (int, error) {
	lines := strings.Split(string(text), "\n")
	for i, line := range lines {
		lines[i] = escape(line)
	}
	if _, err := io.WriteString(e.terminal, strings.Join(lines, "\n")); err != nil {
		return 0, err
	}
	return len(text), nil
}

// escape is a text with nothing in it but what can be seen, and spaces.
func escape(text string) string {
	var b strings.Builder
	for i, size := 0, 0; i < len(text); i += size {
		var r rune
		r, size = utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, text[i])
		case strconv.IsPrint(r):
			b.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}
