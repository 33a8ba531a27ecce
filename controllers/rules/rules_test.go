package rules_test

import (
	"strings"
	"testing"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/controllers/rules"
)

func TestCheckNamesEveryField(t *testing.T) {
	own := func(when string) *v1alpha1.BuilderOverride { return &v1alpha1.BuilderOverride{When: when} }
	tests := []struct {
		name string
		spec v1alpha1.PosNetworkSpec
		want []string // field and a part of the message, in order
	}{
		{"good", v1alpha1.PosNetworkSpec{
			Builder:    v1alpha1.Builder{When: "pool.size >= 3"},
			Validators: []v1alpha1.Validator{{Name: "a"}, {Name: "b", Builder: own("idle >= duration('1m')")}, {Name: "c", Builder: own("")}},
		}, nil},
		{"all bad", v1alpha1.PosNetworkSpec{
			Builder:    v1alpha1.Builder{When: "pool.size >="},
			Validators: []v1alpha1.Validator{{Name: "a"}, {Name: "b", Builder: own("height")}, {Name: "c", Builder: own("pool.sice > 1")}},
		}, []string{"spec.builder.when: ", "column 13", "spec.validators[1].builder.when: ", "must give a bool", "spec.validators[2].builder.when: ", "column 5"}},
		{"unused and bad", v1alpha1.PosNetworkSpec{
			Builder:    v1alpha1.Builder{When: "nonsense"},
			Validators: []v1alpha1.Validator{{Name: "a", Builder: own("true")}},
		}, []string{"spec.builder.when: "}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var lines []string
			for _, err := range rules.Check(&tt.spec) {
				lines = append(lines, err.Error())
			}
			said := strings.Join(lines, "\n")
			if len(tt.want) == 0 && said != "" {
				t.Fatalf("a good spec is refused: %s", said)
			}
			rest := said
			for _, w := range tt.want {
				_, after, found := strings.Cut(rest, w)
				if !found {
					t.Fatalf("%q is missing, in its place, in:\n%s", w, said)
				}
				rest = after
			}
		})
	}
}
