package nodes

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const exposition = `# TYPE posnet_p2p_bytes_total counter
posnet_p2p_bytes_total{link="votes",direction="in"} 5
posnet_p2p_bytes_total{link="votes",direction="out"} 7
posnet_p2p_bytes_total{link="bulk",direction="out"} 100
# TYPE go_goroutines gauge
go_goroutines 12
# TYPE posnet_commit_seconds histogram
posnet_commit_seconds_bucket{le="+Inf"} 4
posnet_commit_seconds_sum 0.5
posnet_commit_seconds_count 4
`

func TestScrape(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(exposition))
	}))
	defer s.Close()
	m, err := (&Process{Name: "a", Metrics: strings.TrimPrefix(s.URL, "http://")}).Scrape(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		want float64
		name string
		with []string
	}{
		{112, "posnet_p2p_bytes_total", nil},
		{107, "posnet_p2p_bytes_total", []string{"direction=out"}},
		{7, "posnet_p2p_bytes_total", []string{"direction=out", "link=votes"}},
		{0, "posnet_p2p_bytes_total", []string{"direction=up"}},
		{12, "go_goroutines", nil},
		{0.5, "posnet_commit_seconds", nil},
	} {
		if got, err := m.Sum(c.name, c.with...); err != nil || got != c.want {
			t.Errorf("%s %v is %v, error %v; want %v", c.name, c.with, got, err, c.want)
		}
	}
	if _, err := m.Sum("posnet_luck"); err == nil {
		t.Error("a metric that is not there has a sum")
	}
}
