package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// operator is the operator's process.
type operator struct {
	command *exec.Cmd
	metrics string // URL
	log     string // file
	ended   chan struct{}
	err     error // once it has ended
}

// startOperator builds the operator and starts it on a cluster.
func startOperator(ctx context.Context, cluster *rest.Config, dir string) (*operator, error) {
	binary := filepath.Join(dir, "operator")
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, "github.com/posnet/posnet/cmd/operator")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build of the operator: %w: %s", err, out)
	}
	config := filepath.Join(dir, "kubeconfig")
	if err := clientcmd.WriteToFile(kubeconfig(cluster), config); err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	o := &operator{metrics: "http://" + port + "/metrics", log: filepath.Join(dir, "operator.log"), ended: make(chan struct{})}
	log, err := os.Create(o.log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	o.command = exec.Command(binary, "--image", image, "--webhook=false", "--leader-elect=false", "--metrics-address", port, "--probe-address", "0")
	o.command.Env = append(os.Environ(), "KUBECONFIG="+config)
	o.command.Stderr = log
	if err := o.command.Start(); err != nil {
		return nil, err
	}
	go func() {
		o.err = o.command.Wait()
		close(o.ended)
	}()
	return o, nil
}

// kubeconfig is for whoever may do all that config may.
func kubeconfig(config *rest.Config) clientcmdapi.Config {
	const here = "bench"
	c := *clientcmdapi.NewConfig()
	c.Clusters[here] = &clientcmdapi.Cluster{Server: config.Host, CertificateAuthorityData: config.CAData}
	c.AuthInfos[here] = &clientcmdapi.AuthInfo{ClientCertificateData: config.CertData, ClientKeyData: config.KeyData, Token: config.BearerToken}
	c.Contexts[here] = &clientcmdapi.Context{Cluster: here, AuthInfo: here}
	c.CurrentContext = here
	return c
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// died says why the operator runs no more, nil while it does.
func (o *operator) died() error {
	select {
	case <-o.ended:
		text, err := os.ReadFile(o.log)
		return errors.Join(fmt.Errorf("the operator has ended: %w: %s", o.err, text), err)
	default:
		return nil
	}
}

func (o *operator) stop() error {
	_ = o.command.Process.Signal(syscall.SIGTERM) // it may have ended
	<-o.ended
	return o.err
}

// sample is what the operator has used and done so far.
type sample struct {
	time       time.Time
	processor  time.Duration
	peak       int64 // bytes; the most it ever held
	resident   int64 // bytes; now
	statuses   float64
	objects    float64
	reconciles *dto.Histogram
}

func (o *operator) sample() (s sample, err error) {
	s.time = time.Now()
	if s.processor, err = processorTime(o.command.Process.Pid); err != nil {
		return s, err
	}
	if s.peak, s.resident, err = memory(o.command.Process.Pid); err != nil {
		return s, err
	}
	response, err := http.Get(o.metrics)
	if err != nil {
		return s, err
	}
	defer response.Body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(response.Body)
	if err != nil {
		return s, err
	}
	s.statuses = sum(families["posnet_operator_status_writes_total"])
	s.objects = sum(families["posnet_operator_object_writes_total"])
	if f := families["controller_runtime_reconcile_time_seconds"]; f != nil && len(f.Metric) == 1 {
		s.reconciles = f.Metric[0].Histogram
		return s, nil
	}
	return s, errors.New("the operator does not tell how long its reconciles take")
}

func sum(f *dto.MetricFamily) (total float64) {
	if f == nil {
		return 0
	}
	for _, m := range f.Metric {
		total += m.GetCounter().GetValue()
	}
	return total
}

// ticks is how many of them the kernel counts in a second of processor time; it
// is 100 on every Linux there is (proc(5), sysconf(_SC_CLK_TCK)).
const ticks = 100

// processorTime reads what a process has used, from /proc/PID/stat (proc(5)).
func processorTime(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), ") ") // the name before may hold blanks
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc/%d/stat is not as expected: %s", pid, text)
	}
	user, err := strconv.Atoi(fields[11])
	if err != nil {
		return 0, err
	}
	system, err := strconv.Atoi(fields[12])
	return time.Duration(user+system) * time.Second / ticks, err
}

// memory reads the most that a process ever held, and what it holds.
func memory(pid int) (peak, resident int64, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0, err
	}
	for _, line := range strings.Split(string(text), "\n") {
		var kib int64
		if n, _ := fmt.Sscanf(line, "VmHWM: %d kB", &kib); n == 1 {
			peak = kib << 10
		}
		if n, _ := fmt.Sscanf(line, "VmRSS: %d kB", &kib); n == 1 {
			resident = kib << 10
		}
	}
	return peak, resident, nil
}
