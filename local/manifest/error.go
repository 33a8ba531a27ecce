package manifest

import (
	"fmt"
	"strings"
	"unicode"
)

// Error is all that is wrong with one manifest.
type Error struct {
	Source   string    // the file's path, or "standard input"
	Problems []Problem // at least one, in the order of the file
}

// Problem is one thing that is wrong with a manifest.
type Problem struct {
	Field   string // its path, such as spec.validators[0].stake; empty: the whole file
	Line    int    // where in the file, from 1; 0: unknown
	Message string // what is wrong and what is allowed
}

// maxListed is how many problems Error puts into words, what a screen holds: a
// file of which everything is wrong is another file than was meant.
const maxListed = 20

// Error lists the problems, one to a line where there are several.
func (e *Error) Error() string {
	if len(e.Problems) == 1 {
		return e.Source + e.Problems[0].String()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d problems", e.Source, len(e.Problems))
	for i, p := range e.Problems {
		if i == maxListed {
			fmt.Fprintf(&b, "\n  and %d more", len(e.Problems)-i)
			break
		}
		b.WriteString("\n  " + e.Source + p.String())
	}
	return b.String()
}

// String is the problem as it follows the file's name: ":LINE: FIELD: MESSAGE".
func (p Problem) String() string {
	s := ": "
	if p.Line > 0 {
		s = fmt.Sprintf(":%d: ", p.Line)
	}
	if p.Field != "" {
		s += clip(p.Field) + ": "
	}
	return plain(s + p.Message)
}

// maxSentence is how long a problem may be in words, in bytes.
const maxSentence = 900

// plain is a text as a terminal can show it: one line, not too long. Some of the
// words are the file's, or of code that quotes it.
func plain(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
	return clipTo(text, maxSentence)
}

func problem(path, message string) *Error {
	return &Error{Problems: []Problem{{Field: path, Message: message}}}
}

// maxShown is how much an error repeats of a file's keys and values, in bytes.
const maxShown = 100

func clip(text string) string { return clipTo(text, maxShown) }

func clipTo(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}
