package manifest

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// unknown reports a field that is not among the known ones around it, with the
// one that was probably meant, or with all there are.
func (r *report) unknown(path string, known []string) {
	_, name := split(path)
	message := "is not known here"
	if near := nearest(name, known); near != "" {
		message += "; is " + near + " meant?"
	} else if len(known) > 0 {
		message += "; known are " + strings.Join(known, ", ")
	}
	r.add(path, message)
}

// fields returns the names of the fields that the schema has at path, sorted.
func (r *report) fields(path string) []string {
	s := lookup(r.rules.structural, path)
	if s == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(s.Properties))
}

// hasField tells whether an error says which field it is about.
func hasField(e *field.Error) bool { return e.Field != "" && e.Field != (*field.Path)(nil).String() }

// schemaMessage puts an error of the schema's own checks into words: what is
// wrong, and what the schema of the field allows.
func (r *report) schemaMessage(e *field.Error) string {
	may := allowed(lookup(r.rules.structural, e.Field))
	if may == "" {
		return e.ErrorBody()
	}
	if e.Type == field.ErrorTypeRequired {
		return "is missing: " + may
	}
	switch value := r.doc.value(e.Field).(type) {
	case []any:
		return fmt.Sprintf("a list of %d entries is not allowed: %s", len(value), may)
	case map[string]any:
		return fmt.Sprintf("a mapping of %d entries is not allowed: %s", len(value), may)
	default:
		return show(value) + " is not allowed: " + may
	}
}

// metadataMessage returns the path and words of an error about the type of a
// field of the metadata.
func metadataMessage(err error) (path, message string) {
	var e *json.UnmarshalTypeError
	if !errors.As(err, &e) {
		return "metadata", err.Error()
	}
	return "metadata." + e.Field, fmt.Sprintf("a %s is not allowed: it must be a %s", e.Value, e.Type)
}

// ruleMessage returns the path and words of a rule's error. The rules' messages
// are made for people; only the value is put before them.
func ruleMessage(e *field.Error) (path, message string) {
	if path, message, found := strings.Cut(e.Detail, ": "); found && path == "metadata.name" {
		return path, message
	}
	if shown := show(e.BadValue); shown != "" {
		return e.Field, shown + " is not allowed: " + e.Detail
	}
	return e.Field, e.Detail
}

// duplicate returns the path and words of an error about two entries of a list
// with one key.
func duplicate(e *field.Error) (path, message string) {
	keys, ok := e.BadValue.(map[string]any)
	if !ok || len(keys) != 1 {
		return e.Field, e.ErrorBody()
	}
	for key, value := range keys {
		path, message = e.Field+"."+key, fmt.Sprintf("%s is there already: each %s is allowed once", show(value), key)
	}
	return path, message
}

// lookup returns the schema of the field at path, nil if there is none.
func lookup(s *schema.Structural, path string) *schema.Structural {
	for _, step := range steps(path) {
		switch {
		case s == nil:
			return nil
		case step.list:
			s = s.Items
		default:
			s = under(s, step.key)
		}
	}
	return s
}

// allowed says what a schema allows; empty where there is no saying.
func allowed(s *schema.Structural) string {
	if s == nil {
		return ""
	}
	if len(s.XValidations) > 0 && (s.Type == "string" || s.XIntOrString) {
		return s.XValidations[0].Message // what a text has to be, in better words
	}
	v := s.ValueValidation
	if v == nil {
		v = &schema.ValueValidation{}
	}
	if kind := kind(s, v); kind != "" {
		return "it must be " + kind
	}
	return ""
}

// kind names a schema's type with its bounds.
func kind(s *schema.Structural, v *schema.ValueValidation) string {
	if len(v.Enum) > 0 {
		return oneOf(v.Enum)
	}
	switch {
	case s.XIntOrString && v.Pattern != "":
		return "a quantity such as 500m, 2 or 1Gi"
	case s.XIntOrString:
		return "a number or a text"
	case s.Type == "integer":
		return "a whole number" + span(v.Minimum, v.Maximum)
	case s.Type == "number":
		return "a number" + span(v.Minimum, v.Maximum)
	case s.Type == "boolean":
		return "true or false"
	case s.Type == "string":
		return "a text" + count(v.MinLength, v.MaxLength, "characters")
	case s.Type == "array":
		return "a list" + count(v.MinItems, v.MaxItems, "entries")
	case s.Type == "object":
		return "a mapping" + count(v.MinProperties, v.MaxProperties, "entries")
	}
	return ""
}

func oneOf(values []schema.JSON) string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = fmt.Sprint(v.Object)
	}
	return strings.Join(texts, " or ")
}

func span(low, high *float64) string {
	switch {
	case low != nil && high != nil:
		return " from " + number(*low) + " to " + number(*high)
	case low != nil:
		return " of at least " + number(*low)
	case high != nil:
		return " of at most " + number(*high)
	}
	return ""
}

func number(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

func count(low, high *int64, what string) string {
	switch {
	case low != nil && high != nil:
		return fmt.Sprintf(" of %d to %d %s", *low, *high, what)
	case low != nil:
		return fmt.Sprintf(" of at least %d %s", *low, what)
	case high != nil:
		return fmt.Sprintf(" of at most %d %s", *high, what)
	}
	return ""
}

// show repeats a scalar value as the file may have it, shortened; empty for
// what would need a page.
func show(value any) string {
	switch value.(type) {
	case string, bool, int64, float64:
	default:
		return ""
	}
	text, err := json.Marshal(value)
	if err != nil {
		return ""
	}
	return clip(string(text))
}
