package manifest

import "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"

// within returns a value whose lists end with the first entry that is one too many by
// the schema. That there are too many is then found still, and what is wrong with the
// others does not count: they have to go. The schema's checks compare each error with
// all before it, so that thousands of them would take minutes.
func within(value any, s *schema.Structural) any {
	if s == nil {
		return value
	}
	switch v := value.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, part := range v {
			out[key] = within(part, under(s, key))
		}
		return out
	case []any:
		if most := s.ValueValidation; most != nil && most.MaxItems != nil {
			v = v[:min(len(v), int(*most.MaxItems)+1)]
		}
		out := make([]any, len(v))
		for i, part := range v {
			out[i] = within(part, s.Items)
		}
		return out
	}
	return value
}

// under returns the schema of what is under a key, nil if there is none.
func under(s *schema.Structural, key string) *schema.Structural {
	if s.AdditionalProperties != nil {
		return s.AdditionalProperties.Structural
	}
	if property, ok := s.Properties[key]; ok {
		return &property
	}
	return nil
}
