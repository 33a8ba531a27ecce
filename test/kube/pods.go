package kube

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/posnet/posnet/node"
	"github.com/posnet/posnet/node/config"
	"github.com/posnet/posnet/node/genesis"
	"github.com/posnet/posnet/node/types/jsonfile"
	"github.com/posnet/posnet/test/inprocess"
)

// machineName is the one Node that pods are placed on.
const machineName = "machine"

// process is a pod that runs here.
type process struct {
	node *node.Node
	log  *inprocess.Log
	file string // its config, as it is here
	text string // of the ConfigMap that the file was made of
	err  error  // why it does not run
}

// runPods does the work of scheduler and kubelet.
func (m *Machine) runPods(ctx context.Context) error {
	var pods corev1.PodList
	if err := m.cluster.Client.List(ctx, &pods, client.InNamespace(m.Namespace)); err != nil {
		return err
	}
	seen := map[types.UID]bool{}
	for i := range pods.Items {
		p := &pods.Items[i]
		seen[p.UID] = true
		if err := m.runPod(ctx, p); err != nil {
			return ignoreRaces(err)
		}
	}
	for uid, r := range m.processes() {
		if !seen[uid] { // deleted by force
			if err := m.stop(uid, r); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *Machine) processes() map[types.UID]*process {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make(map[types.UID]*process, len(m.running))
	for uid, r := range m.running {
		out[uid] = r
	}
	return out
}

func (m *Machine) runPod(ctx context.Context, p *corev1.Pod) error {
	r := m.processes()[p.UID]
	if !p.DeletionTimestamp.IsZero() {
		if err := m.stop(p.UID, r); err != nil {
			return err
		}
		return m.cluster.Client.Delete(ctx, p, client.GracePeriodSeconds(0))
	}
	faults := m.broken()
	was := p.Status.DeepCopy()
	switch {
	case p.Spec.NodeName == "" && (faults.NoRoom || !m.isBound(ctx, p)):
		condition(p, corev1.PodScheduled, corev1.ConditionFalse, corev1.PodReasonUnschedulable, m.noPlace(faults))
	case p.Spec.NodeName == "":
		return m.cluster.Client.SubResource("binding").Create(ctx, p, &corev1.Binding{Target: corev1.ObjectReference{Kind: "Node", Name: machineName}})
	case r == nil && faults.MissingImage != "" && p.Spec.Containers[0].Image == faults.MissingImage:
		waiting(p, "ImagePullBackOff", fmt.Sprintf("Back-off pulling image %q: not found", faults.MissingImage))
	case r == nil:
		m.start(ctx, p)
		return nil // the next step tells
	default:
		m.refresh(ctx, p, r)
		m.tellPod(p, r, faults.NotReady[p.Name])
	}
	if equality.Semantic.DeepEqual(was, &p.Status) {
		return nil
	}
	return m.cluster.Client.Status().Update(ctx, p)
}

func (m *Machine) noPlace(f Faults) string {
	if f.NoRoom {
		return "0/1 nodes are available: 1 Insufficient cpu."
	}
	return "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims."
}

func (m *Machine) isBound(ctx context.Context, p *corev1.Pod) bool {
	for _, v := range p.Spec.Volumes {
		if v.PersistentVolumeClaim == nil {
			continue
		}
		var c corev1.PersistentVolumeClaim
		err := m.cluster.Client.Get(ctx, client.ObjectKey{Namespace: m.Namespace, Name: v.PersistentVolumeClaim.ClaimName}, &c)
		if err != nil {
			return false
		}
		if c.Status.Phase != corev1.ClaimBound && !m.broken().NoVolumes {
			c.Status.Phase = corev1.ClaimBound
			if m.cluster.Client.Status().Update(ctx, &c) != nil {
				return false
			}
		}
		if c.Status.Phase != corev1.ClaimBound {
			return false
		}
	}
	return true
}

// start runs a pod's node, or notes why it does not run.
func (m *Machine) start(ctx context.Context, p *corev1.Pod) {
	r := &process{log: &inprocess.Log{}}
	r.err = m.startNode(ctx, p, r)
	if errors.Is(r.err, errMount) {
		_ = m.event(ctx, p, "Pod", "FailedMount", r.err.Error()) // told again at the next try
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.running[p.UID] = r
}

func (m *Machine) startNode(ctx context.Context, p *corev1.Pod, r *process) error {
	folder := filepath.Join(m.dir, string(p.UID))
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	o := node.Options{Version: inprocess.Version, Logger: slog.New(slog.NewJSONHandler(r.log, nil)).With("node", p.Name)}
	text := map[string]string{}
	for _, flag := range []string{"--genesis", "--config", "--keys"} {
		var err error
		if text[flag], err = m.read(ctx, p, argument(p, flag)); err != nil {
			return err
		}
	}
	var err error
	if o.Genesis, err = genesis.Parse([]byte(text["--genesis"])); err != nil {
		return err
	}
	if err := jsonfile.Decode([]byte(text["--keys"]), &o.Keys); err != nil {
		return err
	}
	r.file, r.text = filepath.Join(folder, "config.json"), text["--config"]
	if err := m.rewrite(p, r); err != nil {
		return err
	}
	if o.ConfigFile, err = config.Open(r.file); err != nil {
		return err
	}
	o.Config = o.ConfigFile.Config()
	r.node, err = node.Start(ctx, o)
	return err
}

// argument returns what follows a flag in a pod's command.
func argument(p *corev1.Pod, flag string) string {
	command := p.Spec.Containers[0].Command
	for i, one := range command {
		if one == flag && i+1 < len(command) {
			return command[i+1]
		}
	}
	return ""
}

var errMount = errors.New("MountVolume.SetUp failed")

// read returns a file as the pod would see it: from the ConfigMap or the Secret
// that is mounted there.
func (m *Machine) read(ctx context.Context, p *corev1.Pod, path string) (string, error) {
	v, rest := mounted(p, path)
	key := client.ObjectKey{Namespace: m.Namespace}
	switch {
	case v == nil:
		return "", fmt.Errorf("open %s: no such file or directory", path)
	case v.ConfigMap != nil:
		var c corev1.ConfigMap
		key.Name = v.ConfigMap.Name
		if err := m.cluster.Client.Get(ctx, key, &c); err != nil {
			return "", fmt.Errorf("%w: %w", errMount, err)
		}
		return c.Data[rest], nil
	case v.Secret != nil:
		var s corev1.Secret
		key.Name = v.Secret.SecretName
		if err := m.cluster.Client.Get(ctx, key, &s); err != nil {
			return "", fmt.Errorf("%w: %w", errMount, err)
		}
		return string(s.Data[rest]), nil
	}
	return "", fmt.Errorf("%s is on volume %s, which holds no files of its own", path, v.Name)
}

// mounted returns the volume that a path is on, and the rest of the path.
func mounted(p *corev1.Pod, path string) (*corev1.Volume, string) {
	for _, at := range p.Spec.Containers[0].VolumeMounts {
		rest, inside := strings.CutPrefix(path, at.MountPath+"/")
		for i := range p.Spec.Volumes {
			if v := &p.Spec.Volumes[i]; inside && v.Name == at.Name {
				return v, rest
			}
		}
	}
	return nil, ""
}

// rewrite writes a pod's config as it works here: all pods have one address, so
// that each has ports of its own, and folders are below the machine's.
func (m *Machine) rewrite(p *corev1.Pod, r *process) error {
	var c config.Config
	if err := jsonfile.Decode([]byte(r.text), &c); err != nil {
		return err
	}
	v, rest := mounted(p, c.DataDir)
	if v == nil || v.PersistentVolumeClaim == nil {
		return fmt.Errorf("the data folder %s is on no volume", c.DataDir)
	}
	c.DataDir = filepath.Join(m.dir, "volumes", v.PersistentVolumeClaim.ClaimName, rest)
	if err := os.MkdirAll(filepath.Dir(c.DataDir), 0o700); err != nil {
		return err
	}
	const anyPort = "127.0.0.1:0"
	c.Listen = config.Listen{P2P: m.link(p.Name), API: anyPort, Metrics: anyPort}
	for i, peer := range c.Peers {
		c.Peers[i].Address = m.link(peer.Address)
	}
	if err := os.WriteFile(r.file+".new", c.Encode(), 0o600); err != nil {
		return err
	}
	return os.Rename(r.file+".new", r.file)
}

// link is where the peers of a pod reach it: a port of this machine for each
// pod's name, for as long as the machine is there.
func (m *Machine) link(address string) string {
	name, _, _ := strings.Cut(address, ".") // of the pod, in its DNS name
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.links[name] == "" {
		m.links[name] = m.ports.Address(len(m.links))
	}
	return m.links[name]
}

// refresh brings a changed ConfigMap into a pod that runs.
func (m *Machine) refresh(ctx context.Context, p *corev1.Pod, r *process) {
	text, err := m.read(ctx, p, argument(p, "--config"))
	if err != nil || text == r.text || r.node == nil {
		return // one that is gone stays mounted
	}
	r.text = text
	if err := m.rewrite(p, r); err != nil {
		_, _ = r.log.Write([]byte(err.Error())) // into memory
	}
}

// tellPod fills in a pod's status.
func (m *Machine) tellPod(p *corev1.Pod, r *process, never bool) {
	p.Status.PodIP, p.Status.HostIP = "127.0.0.1", "127.0.0.1"
	if r.err == nil && r.node != nil {
		r.err = r.node.Err() // it may have stopped by itself
	}
	if r.err != nil {
		waiting(p, "CrashLoopBackOff", "back-off 10s restarting failed container")
		p.Status.ContainerStatuses[0].LastTerminationState = corev1.ContainerState{
			Terminated: &corev1.ContainerStateTerminated{Reason: "Error", ExitCode: 1, Message: "Error: " + r.err.Error()},
		}
		return
	}
	started := true
	p.Status.Phase = corev1.PodRunning
	p.Status.ContainerStatuses = []corev1.ContainerStatus{{
		Name: p.Spec.Containers[0].Name, Image: p.Spec.Containers[0].Image, ImageID: "here", Started: &started,
		State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}},
	}}
	ready := corev1.ConditionFalse
	if !never && answers(r.node.Addresses().API) {
		ready = corev1.ConditionTrue
		p.Status.ContainerStatuses[0].Ready = true
	}
	condition(p, corev1.PodReady, ready, "", "")
}

func answers(api string) bool {
	response, err := http.Get("http://" + api + "/readyz")
	if err != nil {
		return false
	}
	_ = response.Body.Close() // nothing of it was read
	return response.StatusCode == http.StatusOK
}

// waiting has a pod's container wait for a reason.
func waiting(p *corev1.Pod, reason, message string) {
	p.Status.Phase = corev1.PodPending
	p.Status.ContainerStatuses = []corev1.ContainerStatus{{
		Name: p.Spec.Containers[0].Name, Image: p.Spec.Containers[0].Image,
		State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}},
	}}
	condition(p, corev1.PodReady, corev1.ConditionFalse, "ContainersNotReady", "")
}

func condition(p *corev1.Pod, kind corev1.PodConditionType, status corev1.ConditionStatus, reason, message string) {
	c := corev1.PodCondition{Type: kind, Status: status, Reason: reason, Message: message}
	for i := range p.Status.Conditions {
		if p.Status.Conditions[i].Type == kind {
			p.Status.Conditions[i] = c
			return
		}
	}
	p.Status.Conditions = append(p.Status.Conditions, c)
}

// stop ends a pod's node.
func (m *Machine) stop(uid types.UID, r *process) error {
	if r == nil {
		return nil
	}
	m.mu.Lock()
	delete(m.running, uid)
	m.mu.Unlock()
	if r.node == nil {
		return nil
	}
	return r.node.Close()
}

func (m *Machine) stopAll(t testing.TB) {
	for uid, r := range m.processes() {
		if err := m.stop(uid, r); err != nil {
			t.Errorf("a pod of %s stops: %v", m.Namespace, err)
		}
	}
}
