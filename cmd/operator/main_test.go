package main

import (
	"strings"
	"testing"
)

// Flags that do not go together are told in a sentence, before anything starts.
func TestFlags(t *testing.T) {
	t.Setenv("POD_NAMESPACE", "")
	t.Setenv("POSNET_IMAGE", "")
	for name, tt := range map[string]struct {
		args []string
		want string
	}{
		"all that is needed":       {[]string{"--image=node:v1", "--webhook-namespace=posnet-system"}, ""},
		"without the webhook":      {[]string{"--image=node:v1", "--webhook=false"}, ""},
		"no image":                 {[]string{"--webhook=false"}, "no image for the nodes: give --image, or set POSNET_IMAGE"},
		"no namespace":             {[]string{"--image=node:v1"}, "the webhook's namespace is unknown: give --webhook-namespace, set POD_NAMESPACE, or do without (--webhook=false)"},
		"no port":                  {[]string{"--image=node:v1", "--webhook-namespace=a", "--webhook-port=70000"}, "--webhook-port is 70000: it must be 1 to 65535"},
		"no level":                 {[]string{"--image=node:v1", "--webhook=false", "--log-level=loud"}, "--log-level is \"loud\": it must be debug, info, warn or error"},
		"an argument":              {[]string{"up"}, "unknown command \"up\" for \"operator\""},
		"a flag that nobody knows": {[]string{"--imagine=x"}, "unknown flag: --imagine"},
	} {
		t.Run(name, func(t *testing.T) {
			var f flags
			c := command()
			c.ResetFlags()
			f.define(c)
			err := c.ParseFlags(tt.args)
			if err == nil {
				err = c.ValidateArgs(c.Flags().Args())
			}
			if err == nil {
				_, err = f.complete()
			}
			if (err == nil) != (tt.want == "") || err != nil && err.Error() != tt.want {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestFlagsFromTheEnvironment(t *testing.T) {
	t.Setenv("POD_NAMESPACE", "posnet-system")
	t.Setenv("POSNET_IMAGE", "node:v7")
	var f flags
	c := command()
	c.ResetFlags()
	f.define(c)
	if err := c.ParseFlags(nil); err != nil {
		t.Fatal(err)
	}
	o, err := f.complete()
	if err != nil || o.Image != "node:v7" || o.Webhook == nil || o.Webhook.Namespace != "posnet-system" || !o.LeaderElection {
		t.Errorf("%+v, %v", o, err)
	}
	if !strings.HasPrefix(o.MetricsAddress, ":") {
		t.Errorf("metrics are at %q", o.MetricsAddress)
	}
}
