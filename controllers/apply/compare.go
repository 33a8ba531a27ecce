package apply

import (
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/posnet/posnet/node/types"
)

// shared are the lists of maps, by the path of their fields, that server-side
// apply merges by a key: whoever adds an entry owns it, and it is none of ours.
// All other lists are written as a whole.
var shared = map[string]bool{
	".metadata.ownerReferences":                     true,
	".spec.ports":                                   true, // of a Service
	".spec.template.spec.containers":                true,
	".spec.template.spec.containers.ports":          true,
	".spec.template.spec.containers.volumeMounts":   true,
	".spec.template.spec.imagePullSecrets":          true,
	".spec.template.spec.topologySpreadConstraints": true,
	".spec.template.spec.volumes":                   true,
}

// fields returns an object as the maps and lists that are sent and compared:
// without its status, which is not for us to say, and without what is null.
//
// Comparing these, rather than the typed objects by equality.Semantic, tells a
// number that is left out (and that the API server fills in) from a zero.
func fields(object runtime.Object) (map[string]any, error) {
	m, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		return nil, fmt.Errorf("%T cannot be written as fields: %w", object, err)
	}
	delete(m, "status")
	unstructured.RemoveNestedField(m, "metadata", "managedFields")
	dropNull(m)
	return m, nil
}

func dropNull(v any) {
	switch v := v.(type) {
	case map[string]any:
		for key, one := range v {
			if one == nil {
				delete(v, key)
			} else {
				dropNull(one)
			}
		}
	case []any:
		for _, one := range v {
			dropNull(one)
		}
	}
}

// isAs reports whether a live object says all that is sent of it. Its kind is
// known: one that was read with its type does not tell it.
func isAs(live runtime.Object, sent map[string]any) (bool, error) {
	have, err := fields(live)
	if err != nil {
		return false, err
	}
	have["apiVersion"], have["kind"] = sent["apiVersion"], sent["kind"]
	return covers("", have, sent), nil
}

// covers reports whether have says all that want says. What have says beside
// that, others added or the API server filled in.
func covers(path string, have, want any) bool {
	switch want := want.(type) {
	case map[string]any:
		m, ok := have.(map[string]any)
		if !ok {
			return have == nil && len(want) == 0
		}
		for key, one := range want {
			if !covers(path+"."+key, m[key], one) {
				return false
			}
		}
		return true
	case []any:
		list, ok := have.([]any)
		if !ok {
			return have == nil && len(want) == 0
		}
		return coversList(path, list, want)
	}
	return have == want
}

func coversList(path string, have, want []any) bool {
	if !shared[path] && len(have) != len(want) {
		return false
	}
	for i, one := range want {
		if i < len(have) && covers(path, have[i], one) {
			continue
		}
		if !shared[path] || !anyCovers(path, have, one) {
			return false
		}
	}
	return true
}

func anyCovers(path string, have []any, want any) bool {
	for _, one := range have {
		if covers(path, one, want) {
			return true
		}
	}
	return false
}

// Hash is the SHA-256 of an object as JSON, 64 hex digits.
func Hash(object any) (string, error) {
	text, err := json.Marshal(object)
	if err != nil {
		return "", fmt.Errorf("%T cannot be written as JSON: %w", object, err)
	}
	return types.SumHash(text).String(), nil
}
