package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestSoak soaks for a few seconds: not for the verdict, for all that fills once
// still grows then, but so that the load goes on fitting the nodes, and its books
// their balances.
func TestSoak(t *testing.T) {
	dir := t.TempDir()
	o := options{
		time: 4 * time.Second, every: 200 * time.Millisecond, interval: 20 * time.Millisecond, rate: 100, accounts: 30, json: true,
		manifest: "../../config/samples/bench.yaml", dir: dir, picture: filepath.Join(dir, "a.svg"), write: filepath.Join(dir, "a.md"),
	}
	if err := os.WriteFile(o.write, []byte("<!-- begin soak: x -->\n<!-- end soak -->\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := soak(t.Context(), o, &out); err != nil && !errors.Is(err, errLeaks) {
		t.Fatal(err)
	}
	var r report
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	if r.Records != 400 || r.Height == 0 || len(r.Names) != 4 || len(r.Growths) != 16 || len(r.Disks) != 4 || len(r.Samples) < 10 {
		t.Errorf("the report is %+v", r)
	}
	last := r.Samples[len(r.Samples)-1]
	for i, n := range last.Nodes {
		if n.Memory < mebibyte || n.Heap < mebibyte || n.Goroutines < 1 || n.Files < 3 || n.Disk < 1 {
			t.Errorf("node %d needs %+v", i, n)
		}
	}
	if page, err := os.ReadFile(o.write); err != nil || !strings.Contains(string(page), "(a.svg)") || !strings.Contains(string(page), "| memory |") {
		t.Errorf("error %v; the page is\n%s", err, page)
	}
	if _, err := os.Stat(o.picture); err != nil {
		t.Error(err)
	}
}

func TestFlags(t *testing.T) {
	o, err := parseFlags([]string{"-time", "10m", "-every", "5s", "-rate", "100"})
	if err != nil || o.time != 10*time.Minute || o.rate != 100 {
		t.Errorf("%+v, error %v", o, err)
	}
	for args, want := range map[string]string{
		"-rate 0":                  "1 to 5000",
		"-time 1m":                 "from 2m40s to 11h6m40s",
		"-time 1s -every 1ms":      "100ms or more",
		"-interval 2m":             "0 to 1m",
		"-picture soak.gif":        ".svg or .png",
		"-o yaml":                  "table or json",
		"now":                      `"now" is no flag`,
		"-time 1000h -every 10m":   "from 2h40m0s to 666h40m0s",
		"-time 100000h -every 24h": "it must be from",
	} {
		if _, err := parseFlags(strings.Fields(args)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %s", args, err, want)
		}
	}
}
