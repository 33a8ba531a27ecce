package manifest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"

	"github.com/posnet/posnet/api/v1alpha1"
)

// check does with a document what an API server does when an object is created:
// it finds unknown fields, fills in defaults and validates, in that order. A
// status is dropped, since only the system writes one.
func check(doc *document) error {
	if err := checkKind(doc); err != nil {
		return err
	}
	r := loadRules()
	delete(doc.object, "status")

	report := &report{doc: doc, rules: r, told: map[Problem]bool{}}
	report.metadata()
	for _, path := range unknownFields(doc.object, r.structural) {
		parent, _ := split(path)
		report.unknown(path, report.fields(parent))
	}
	defaulting.PruneNonNullableNullsWithoutDefaults(doc.object, r.structural)
	defaulting.Default(doc.object, r.structural)
	report.values()
	return report.err()
}

func checkKind(doc *document) error {
	wanted := v1alpha1.GroupVersion.String()
	for _, f := range []struct{ key, want string }{{"apiVersion", wanted}, {"kind", v1alpha1.Kind}} {
		got, there := doc.object[f.key]
		if !there {
			return problem(f.key, fmt.Sprintf("is missing: it must be %s", f.want))
		}
		if got != f.want {
			return &Error{Problems: []Problem{{f.key, doc.line(f.key), fmt.Sprintf("%s is not known here: it must be %s", show(got), f.want)}}}
		}
	}
	return nil
}

// unknownFields takes out of an object the fields that the schema does not
// have, and returns their paths.
func unknownFields(object map[string]any, s *schema.Structural) []string {
	return pruning.PruneWithOptions(object, s, true, schema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})
}

// report gathers the problems of a document.
type report struct {
	doc      *document
	rules    *rules
	problems []Problem
	told     map[Problem]bool // those that are among them
	blocked  bool             // some rules could not be asked
}

func (r *report) add(path, message string) {
	p := Problem{Field: path, Line: r.doc.line(path), Message: message}
	if !r.told[p] {
		r.told[p] = true
		r.problems = append(r.problems, p)
	}
}

// err returns the problems in the order of the file, nil if there are none.
func (r *report) err() error {
	if len(r.problems) == 0 {
		return nil
	}
	slices.SortFunc(r.problems, func(a, b Problem) int {
		return cmp.Or(a.Line-b.Line, strings.Compare(a.Field, b.Field), strings.Compare(a.Message, b.Message))
	})
	if r.blocked {
		r.problems = append(r.problems, Problem{Message: "further rules are checked once this is right"})
	}
	return &Error{Problems: r.problems}
}

// metadataFields are the fields of the metadata that people write.
var metadataFields = []string{"annotations", "labels", "name", "namespace"}

// metadata checks the object's metadata, which is not in the CRD's schema but
// the same for all kinds.
func (r *report) metadata() {
	meta, _, unknown, err := objectmeta.GetObjectMetaWithOptions(r.doc.object, objectmeta.ObjectMetaOptions{ReturnUnknownFieldPaths: true})
	if err != nil {
		r.blocked = true
		if _, isMapping := r.doc.object["metadata"].(map[string]any); isMapping {
			r.add(metadataMessage(err)) // that it is none, the schema says
		}
		return
	}
	for _, path := range unknown {
		r.unknown(path, metadataFields)
	}
	if meta == nil || meta.Name == "" {
		r.blocked = true
		r.add("metadata.name", "is missing: it must be the network's name")
		return
	}
	if meta.Namespace == "" {
		meta.Namespace = "default" // as kubectl does
	}
	anyName := func(string, bool) []string { return nil } // the CRD has a rule for names
	for _, e := range apivalidation.ValidateObjectMeta(meta, true, anyName, field.NewPath("metadata")) {
		r.add(ruleMessage(e))
	}
}

// values validates a defaulted object. As in an API server, the CEL rules are
// asked only where types and lengths are right.
func (r *report) values() {
	schemaErrs := validation.ValidateCustomResource(nil, within(r.doc.object, r.rules.structural), r.rules.values)
	lists := listtype.ValidateListSetsAndMaps(nil, r.rules.structural, r.doc.object)
	var celErrs field.ErrorList
	r.blocked = r.blocked || slices.ContainsFunc(schemaErrs, blocks)
	if !r.blocked {
		celErrs, _ = r.rules.cel.Validate(context.Background(), nil, r.rules.structural, r.doc.object, nil, celconfig.RuntimeCELCostBudget)
	}
	better := map[string]bool{}
	for _, e := range celErrs {
		r.add(ruleMessage(e))
		better[e.Field] = true
	}
	for _, e := range schemaErrs {
		// An error without a field repeats one that has it. And where a rule speaks of
		// the same field, it does so in better words.
		if hasField(e) && !better[e.Field] {
			r.add(e.Field, r.schemaMessage(e))
		}
	}
	for _, e := range lists {
		r.add(duplicate(e))
	}
}

// blocks tells whether an API server asks no CEL rule after such an error.
func blocks(e *field.Error) bool {
	switch e.Type {
	case field.ErrorTypeNotSupported, field.ErrorTypeRequired, field.ErrorTypeTooLong, field.ErrorTypeTooMany, field.ErrorTypeTypeInvalid:
		return true
	}
	return false
}
