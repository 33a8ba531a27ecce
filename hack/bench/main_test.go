package main

import (
	"strings"
	"testing"
	"time"
)

func TestFlags(t *testing.T) {
	o, err := parseFlags(nil)
	if err != nil || len(o.only) != len(jobs) || o.span != 10*time.Second || o.json || len(o.rates) != 3 || o.system != systemPosnet {
		t.Errorf("by default %+v, error %v", o, err)
	}
	o, err = parseFlags([]string{"-only", "draw,latency", "-rates", "7", "-seconds", "3", "-warm", "0", "-o", "json"})
	if err != nil || len(o.only) != 2 || o.rates[0] != 7 || o.span != 3*time.Second || o.warm != 0 || !o.json {
		t.Errorf("flags give %+v, error %v", o, err)
	}
}

func TestBadFlags(t *testing.T) {
	for args, want := range map[string]string{
		"-only speed":         `"speed": there are latency, throughput, single, processor, memory, overload, pause, restart, catchup, draw`,
		"-only ,":             `""`,
		"-rates 0":            `"0": it must be`,
		"-rates 100,1e3":      `"1e3"`,
		"-rates 20001":        "1 to 20000",
		"-seconds 0":          "1 to 3600",
		"-warm 61":            "0 to 60",
		"-batch 0":            "1 to 1000",
		"-window 19 -batch 5": "room for a frame of 5",
		"-tries 0":            "1 or more",
		"-system tendermint":  "there are posnet, cometbft",
		"-mode fast":          "there are tuned, shipped",
		"-o yaml":             "table or json",
		"latency":             `"latency" is no flag`,
	} {
		if _, err := parseFlags(strings.Fields(args)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %s", args, err, want)
		}
	}
}
