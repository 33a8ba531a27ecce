package clients_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/posnet/posnet/test/design"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sample designs the network of a manifest under config/samples.
func sample(t *testing.T, name string) *design.Design {
	t.Helper()
	d, err := design.Sample(name)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
