package plan

import (
	"fmt"
	"strconv"
	"time"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/node/config"
)

// Validator is one validator of a spec once replicas are spread out.
type Validator struct {
	Name     string
	Stake    uint64         // tokens
	Builder  config.Builder // spec.builder with the validator's own settings over it
	RuleFrom string         // the manifest's field that the rule comes from, for errors about it
}

// Validators spreads the replicas of a defaulted spec out, in the manifest's
// order: {name: small, replicas: 3} becomes small-0, small-1 and small-2, and
// one without replicas keeps its name.
func Validators(spec *v1alpha1.PosNetworkSpec) []Validator {
	var out []Validator
	for i, v := range spec.Validators {
		one := Validator{Name: v.Name, Stake: uint64(v.Stake), RuleFrom: "spec.builder.when"}
		one.Builder = override(builder(spec.Builder), v.Builder)
		if v.Builder != nil && v.Builder.When != "" {
			one.RuleFrom = fmt.Sprintf("spec.validators[%d].builder.when", i)
		}
		if v.Replicas == nil {
			out = append(out, one)
			continue
		}
		for r := range int(*v.Replicas) {
			one.Name = v.Name + "-" + strconv.Itoa(r)
			out = append(out, one)
		}
	}
	return out
}

// Names returns the names of the spec's validators, replicas spread out, in
// the manifest's order.
func Names(spec *v1alpha1.PosNetworkSpec) []string {
	validators := Validators(spec)
	names := make([]string, len(validators))
	for i, v := range validators {
		names[i] = v.Name
	}
	return names
}

func builder(b v1alpha1.Builder) config.Builder {
	return config.Builder{
		When:       b.When,
		Interval:   duration(b.Interval.Duration),
		MaxRecords: int(b.MaxRecords),
		MaxBytes:   int(b.MaxBytes),
	}
}

// override lays a validator's own settings over the network's; what is left
// out of them (zero) holds as there.
func override(b config.Builder, own *v1alpha1.BuilderOverride) config.Builder {
	if own == nil {
		return b
	}
	if own.When != "" {
		b.When = own.When
	}
	if own.Interval.Duration != 0 {
		b.Interval = duration(own.Interval.Duration)
	}
	if own.MaxRecords != 0 {
		b.MaxRecords = int(own.MaxRecords)
	}
	if own.MaxBytes != 0 {
		b.MaxBytes = int(own.MaxBytes)
	}
	return b
}

func duration(d time.Duration) config.Duration { return config.Duration(d) }
