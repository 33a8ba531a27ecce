package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	sigsyaml "sigs.k8s.io/yaml"
)

// document is a manifest as the file has it: for the checks as kubectl would
// send it, and as a tree that knows its lines.
type document struct {
	object map[string]any
	tree   *yaml.Node
	places map[*yaml.Node]map[string]int // where in a mapping's content a key is, once somebody has asked
}

// parse reads the only document of a file.
func parse(data []byte) (*document, error) {
	if len(data) > maxBytes {
		return nil, problem("", fmt.Sprintf("the file has more than %d bytes, which is the most a manifest may have", maxBytes))
	}
	tree, err := onlyDocument(data)
	if err != nil {
		return nil, err
	}
	if tree.Kind != yaml.MappingNode {
		return nil, problem("", "the file holds no mapping: it must hold a PosNetwork, beginning with \"apiVersion: posnet.dev/v1alpha1\"")
	}
	if (sizes{}).of(tree) > maxBytes {
		return nil, problem("", fmt.Sprintf("with each alias replaced by what it stands for the file has more than %d bytes, which is the most a manifest may have", maxBytes))
	}
	// The conversion that kubectl uses, so that numbers and words come out alike.
	text, err := sigsyaml.YAMLToJSONStrict(data)
	if err != nil {
		return nil, notYAML(err)
	}
	doc := &document{tree: tree, places: map[*yaml.Node]map[string]int{}}
	if err := utiljson.Unmarshal(text, &doc.object); err != nil {
		return nil, notYAML(err)
	}
	return doc, nil
}

// onlyDocument returns the root of the one document in data that is not empty.
func onlyDocument(data []byte) (*yaml.Node, error) {
	var found []*yaml.Node
	for decoder := yaml.NewDecoder(bytes.NewReader(data)); ; {
		var node yaml.Node
		err := decoder.Decode(&node)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, notYAML(err)
		}
		if len(node.Content) == 1 && node.Content[0].Tag != "!!null" {
			found = append(found, node.Content[0])
		}
	}
	switch len(found) {
	case 0:
		return nil, problem("", "the file is empty: it must hold a PosNetwork")
	case 1:
		return found[0], nil
	}
	return nil, &Error{Problems: []Problem{{Line: found[1].Line, Message: fmt.Sprintf(
		"the file holds %d documents: it must hold one PosNetwork; put the others into files of their own", len(found))}}}
}

// sizes knows about how many bytes nodes take once aliases are replaced, which
// can make gigabytes of a short file: over maxBytes it is just more than that.
type sizes map[*yaml.Node]int

func (s sizes) of(node *yaml.Node) int {
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	if size, known := s[node]; known {
		return size
	}
	s[node] = 0 // for one that is within itself, which the conversion refuses
	size := len(node.Value) + 1
	for _, part := range node.Content {
		size = min(size+s.of(part), maxBytes+1)
	}
	s[node] = size
	return size
}

func notYAML(err error) *Error {
	text := strings.TrimPrefix(err.Error(), "error converting YAML to JSON: ")
	text = strings.TrimPrefix(strings.TrimPrefix(text, "yaml: "), "unmarshal errors:")
	text = strings.Join(strings.Fields(text), " ")
	return problem("", "the file is not YAML: "+text)
}

// value returns what the field that path names holds once defaults are filled
// in, nil if there is nothing.
func (d *document) value(path string) any {
	var at any = d.object
	for _, step := range steps(path) {
		switch holder := at.(type) {
		case map[string]any:
			at = holder[step.key]
		case []any:
			if step.index >= len(holder) {
				return nil
			}
			at = holder[step.index]
		default:
			return nil
		}
	}
	return at
}

// line returns the line of the field that path names, or of the nearest field
// around it that the file has.
func (d *document) line(path string) int {
	node, line := d.tree, 0
	for _, step := range steps(path) {
		if node.Kind == yaml.AliasNode {
			node = node.Alias
		}
		next, at := d.child(node, step)
		if next == nil {
			break
		}
		node, line = next, at
	}
	return line
}

// child returns what a step leads to from node, nil if nothing is there, and
// the line it begins at.
func (d *document) child(node *yaml.Node, step step) (*yaml.Node, int) {
	if step.list && node.Kind == yaml.SequenceNode && step.index < len(node.Content) {
		return node.Content[step.index], node.Content[step.index].Line
	}
	if !step.list && node.Kind == yaml.MappingNode {
		if i, there := d.keys(node)[step.key]; there {
			return node.Content[i+1], node.Content[i].Line
		}
	}
	return nil, 0
}

// keys returns where the keys of a mapping are in its content. All are noted at once:
// a mapping of which everything is wrong is asked about each.
func (d *document) keys(mapping *yaml.Node) map[string]int {
	if places, known := d.places[mapping]; known {
		return places
	}
	places := make(map[string]int, len(mapping.Content)/2)
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		key := mapping.Content[i].Value
		if _, before := places[key]; !before {
			places[key] = i
		}
	}
	d.places[mapping] = places
	return places
}
