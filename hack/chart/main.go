// Command chart keeps the two ways to install posnet, charts/posnet and config, of
// one source. What controller-gen makes of the Go code (the CRD, the operator's
// roles) goes from config into the chart; everything else is written by hand in the
// chart only, and goes, rendered with the chart's own values, into the folder of
// config that has the name of its folder in the chart.
//
//	go run ./hack/chart      # as "make manifests" does, after controller-gen
//	go run ./hack/chart DIR  # into DIR instead, which then has config and charts
package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// Where things are, from the top of the source.
const (
	chartDir = "charts/posnet"
	crdFile  = "config/crd/bases/posnet.dev_posnetworks.yaml"
	roleFile = "config/rbac/role.yaml"

	// Namespace is where config puts the operator, and where it is rendered for.
	namespace = "posnet-system"
)

func main() {
	out := "."
	if len(os.Args) > 1 {
		out = os.Args[1]
	}
	if err := generate(context.Background(), out); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

// generate writes the chart's generated templates, and config's rendered files.
func generate(ctx context.Context, out string) error {
	crd, err := os.ReadFile(filepath.Join(out, crdFile))
	if err != nil {
		return err
	}
	role, err := os.ReadFile(filepath.Join(out, roleFile))
	if err != nil {
		return err
	}
	files := map[string]string{
		chartDir + "/templates/crd/posnetworks.yaml": crdTemplate(string(crd)),
		chartDir + "/templates/rbac/role.yaml":       roleTemplate(string(role)),
	}
	if err := write(out, files); err != nil {
		return err
	}
	rendered, err := render(ctx, filepath.Join(out, chartDir), "--set", "serviceMonitor.enabled=true")
	if err != nil {
		return err
	}
	return write(out, configFiles(rendered))
}

// write writes files by their paths below a folder.
func write(dir string, files map[string]string) error {
	for path, text := range files {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// braces are what a template engine would take for its own.
var braces = strings.NewReplacer("{{", `{{ "{{" }}`, "}}", `{{ "}}" }}`)

// crdTemplate is the CRD as a part of the chart: kept when the chart goes, and, as
// a template, upgraded with it.
func crdTemplate(crd string) string {
	text := strings.Replace(braces.Replace(crd), "\n  annotations:\n", "\n  annotations:\n    helm.sh/resource-policy: keep\n", 1)
	return "{{- if .Values.crd.install }}\n" + text + "{{- end }}\n"
}

// roleTemplate is the operator's roles as a part of the chart.
func roleTemplate(role string) string {
	return strings.ReplaceAll(braces.Replace(role), "namespace: "+namespace+"\n", "namespace: {{ .Release.Namespace }}\n")
}

// helmsOwn are the labels that say that Helm installed an object.
var helmsOwn = regexp.MustCompile(`(?m)^ +(helm\.sh/chart|app\.kubernetes\.io/managed-by): .*\n`)

// configFiles are the files of config that come from the chart.
func configFiles(rendered []document) map[string]string {
	files := map[string]string{}
	for _, d := range rendered {
		folder, file, _ := strings.Cut(d.template, "/")
		path := "config/" + folder + "/" + file
		if path == roleFile || folder == "crd" {
			continue // these went the other way
		}
		if files[path] == "" {
			files[path] = "# Written by \"make manifests\" from charts/posnet/templates/" + d.template + ".\n"
		} else {
			files[path] += "---\n"
		}
		files[path] += helmsOwn.ReplaceAllString(d.text, "")
	}
	return files
}

// document is one object of a rendered chart.
type document struct {
	template string // its file, from the chart's folder of templates
	text     string
}

var source = regexp.MustCompile(`^# Source: [^/]+/templates/(.+)\n`)

// render renders a chart as "helm install posnet" would in our namespace, with
// further arguments of helm.
func render(ctx context.Context, chart string, args ...string) ([]document, error) {
	args = append([]string{"template", "posnet", chart, "--namespace", namespace}, args...)
	out, err := tool(ctx, "helm", args...)
	if err != nil {
		return nil, err
	}
	var documents []document
	for _, text := range strings.Split("\n"+out, "\n---\n") {
		if at := source.FindStringSubmatch(text); at != nil {
			documents = append(documents, document{template: at[1], text: strings.TrimSpace(strings.TrimPrefix(text, at[0])) + "\n"})
		}
	}
	if len(documents) == 0 {
		return nil, fmt.Errorf("helm %s made nothing", strings.Join(args, " "))
	}
	return documents, nil
}

// toolsModule lists the tools and their versions.
const toolsModule = "hack/tools/go.mod"

// tool runs one of the tools of hack/tools, for what it prints.
func tool(ctx context.Context, name string, args ...string) (string, error) {
	if programs[name] == "" {
		path, err := output(exec.CommandContext(ctx, "go", "tool", "-modfile="+toolsModule, "-n", name))
		if err != nil {
			return "", err
		}
		programs[name] = strings.TrimSpace(path)
	}
	return output(exec.CommandContext(ctx, programs[name], args...))
}

// programs are the paths of the tools that were found.
var programs = map[string]string{}

// output runs a command for what it prints. Its complaints are in the error.
func output(cmd *exec.Cmd) (string, error) {
	var complaints strings.Builder
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, strings.TrimSpace(complaints.String()))
	}
	return string(out), nil
}
