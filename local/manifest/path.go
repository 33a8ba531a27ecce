package manifest

import (
	"strconv"
	"strings"
)

// step is one part of a field's path: the key of a mapping, or a place in a list.
type step struct {
	key   string
	index int
	list  bool
}

// steps takes a path such as spec.validators[0].stake apart. A key that has
// dots of its own, as labels may, is not told from several keys.
func steps(path string) []step {
	var out []step
	for _, part := range strings.FieldsFunc(path, func(r rune) bool { return r == '.' || r == '[' }) {
		index, inBrackets := strings.CutSuffix(part, "]")
		if i, err := strconv.Atoi(index); inBrackets && err == nil && i >= 0 {
			out = append(out, step{index: i, list: true})
			continue
		}
		out = append(out, step{key: index})
	}
	return out
}

// split returns the path of the mapping around a field, and the field's name.
func split(path string) (parent, name string) {
	if i := strings.LastIndexByte(path, '.'); i >= 0 {
		return path[:i], path[i+1:]
	}
	return "", path
}
