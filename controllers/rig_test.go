package controllers_test

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/controllers"
	"github.com/posnet/posnet/controllers/plan/kube"
	"github.com/posnet/posnet/test/await"
	testkube "github.com/posnet/posnet/test/kube"
)

func TestMain(m *testing.M) {
	ctrl.SetLogger(logr.Discard())                         // what libraries say aside
	if err := flag.Set("test.parallel", "6"); err != nil { // they wait most of the time
		panic(err)
	}
	os.Exit(testkube.Main(m))
}

const image = "posnet.example/node:v1"

// faults are what goes wrong on the machine.
type faults = testkube.Faults

// rig is an operator at work in a namespace of its own, and a machine for the
// pods in it.
type rig struct {
	t         *testing.T
	client    client.Client // the person's
	namespace string
	machine   *testkube.Machine
	requests  *requests
	stop      func()
}

// start starts both.
func start(t *testing.T) *rig {
	t.Helper()
	c := testkube.Shared()
	r := &rig{t: t, client: c.Client, namespace: c.Namespace(t)}
	r.machine = testkube.StartMachine(t, c, r.namespace)
	r.startOperator()
	return r
}

// contend has a second operator contend with others for the lease, until it is
// stopped. It returns what that one asks.
func (r *rig) contend() (*requests, func()) {
	r.t.Helper()
	return r.run(controllers.Options{LeaderElection: true, LeaseNamespace: leases})
}

// startOperator starts an operator, after the one before was stopped.
func (r *rig) startOperator() {
	r.t.Helper()
	r.requests, r.stop = r.run(controllers.Options{})
}

func (r *rig) run(o controllers.Options) (*requests, func()) {
	r.t.Helper()
	config := rest.CopyConfig(operator(r.t))
	asked := &requests{}
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { asked.next = next; return asked })
	o.Image, o.WatchNamespace = image, r.namespace
	o.MetricsAddress, o.ProbeAddress = cmp.Or(o.MetricsAddress, "0"), cmp.Or(o.ProbeAddress, "0")
	o.Logger, o.Address = funcr.New(r.log, funcr.Options{}), r.machine.Address
	m, err := controllers.NewManager(config, o)
	if err != nil {
		r.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- m.Start(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			r.t.Errorf("the operator: %v", err)
		}
	})
	r.t.Cleanup(stop)
	return asked, stop
}

// operator is who the operator is, with the rights of its roles and no others.
func operator(t *testing.T) *rest.Config {
	t.Helper()
	grant.Do(func() {
		for _, err := range grantRoles(testkube.Shared().Client) {
			t.Error(err)
		}
	})
	return testkube.Shared().User(t, kube.ManagedBy)
}

var grant sync.Once

func grantRoles(c client.Client) (errs []error) {
	ctx := context.Background()
	create := func(o client.Object) { errs = append(errs, c.Create(ctx, o)) }
	text, err := os.ReadFile("../config/rbac/role.yaml")
	if err != nil {
		return []error{err}
	}
	create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: leases}})
	for _, one := range strings.Split(string(text), "\n---\n") {
		u := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(one), &u.Object); err != nil {
			return []error{err}
		}
		create(u)
	}
	subjects := []rbacv1.Subject{{Kind: rbacv1.UserKind, APIGroup: rbacv1.GroupName, Name: kube.ManagedBy}}
	ref := func(kind string) rbacv1.RoleRef {
		return rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: kind, Name: kube.ManagedBy}
	}
	create(&rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: kube.ManagedBy}, Subjects: subjects, RoleRef: ref("ClusterRole")})
	create(&rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Namespace: leases, Name: kube.ManagedBy}, Subjects: subjects, RoleRef: ref("Role")})
	return slices.DeleteFunc(errs, func(err error) bool { return err == nil })
}

// leases is the operator's own namespace.
const leases = "posnet-system"

// log shows errors of the operator, while the test runs.
func (r *rig) log(_, text string) {
	stopping := strings.Contains(text, "context canceled") || strings.Contains(text, "leader election lost")
	if strings.Contains(text, `"error"=`) && !stopping && r.t.Context().Err() == nil {
		r.t.Log(text)
	}
}

// requests counts what the operator asks of the API server, and may have it fail.
type requests struct {
	next http.RoundTripper

	mu    sync.Mutex
	seen  []string // "PATCH /apis/...", watches and leases left out
	fails func(*http.Request) int
}

// RoundTrip implements http.RoundTripper.
func (r *requests) RoundTrip(q *http.Request) (*http.Response, error) {
	r.mu.Lock()
	if q.URL.Query().Get("watch") == "" && !strings.Contains(q.URL.Path, "/leases") {
		r.seen = append(r.seen, q.Method+" "+q.URL.Path)
	}
	fails := r.fails
	r.mu.Unlock()
	if fails != nil {
		if status := fails(q); status != 0 {
			return refusal(q, status), nil
		}
	}
	return r.next.RoundTrip(q)
}

func refusal(q *http.Request, status int) *http.Response {
	body := fmt.Sprintf(`{"kind":"Status","apiVersion":"v1","status":"Failure","message":"the test says so","reason":"InternalError","code":%d}`, status)
	return &http.Response{
		Status: http.StatusText(status), StatusCode: status, Request: q, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: readCloser{strings.NewReader(body)}, ContentLength: int64(len(body)),
	}
}

type readCloser struct{ *strings.Reader }

// Close implements io.Closer.
func (readCloser) Close() error { return nil }

// fail has requests fail with the status that a function gives; 0: not this one.
func (r *requests) fail(f func(*http.Request) int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fails = f
}

// take returns what was asked since the last time.
func (r *requests) take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.seen
	r.seen = nil
	return out
}

// apply makes a network of a manifest's spec.
func (r *rig) apply(name, spec string) {
	r.t.Helper()
	if err := r.tryApply(name, spec); err != nil {
		r.t.Fatal(err)
	}
}

// tryApply applies a manifest as kubectl does.
func (r *rig) tryApply(name, spec string) error {
	r.t.Helper()
	u := manifest(r.t, r.namespace, name, spec)
	return r.client.Apply(context.Background(), client.ApplyConfigurationFromUnstructured(u), client.FieldOwner("kubectl"), client.ForceOwnership)
}

// get returns the network as it is.
func (r *rig) get(name string) *v1alpha1.PosNetwork {
	r.t.Helper()
	var n v1alpha1.PosNetwork
	if err := r.client.Get(context.Background(), client.ObjectKey{Namespace: r.namespace, Name: name}, &n); err != nil {
		r.t.Fatal(err)
	}
	return &n
}

// edit changes a network's spec.
func (r *rig) edit(name string, change func(*v1alpha1.PosNetworkSpec)) {
	r.t.Helper()
	n := r.get(name)
	was := n.DeepCopy()
	change(&n.Spec)
	if err := r.client.Patch(context.Background(), n, client.MergeFrom(was)); err != nil {
		r.t.Fatal(err)
	}
}

// await waits until a network is as it should be, and returns it.
func (r *rig) await(name, what string, holds func(*v1alpha1.PosNetwork) bool) *v1alpha1.PosNetwork {
	r.t.Helper()
	var n *v1alpha1.PosNetwork
	await.True(r.t, name+": "+what, func() error {
		if n = r.get(name); holds(n) {
			return nil
		}
		return fmt.Errorf("its status is %s", show(n))
	})
	return n
}

// awaitSettled waits until the network is what its spec of now says, and all
// validators are online.
func (r *rig) awaitSettled(name string) *v1alpha1.PosNetwork {
	r.t.Helper()
	return r.await(name, "it is what its spec says, and runs", func(n *v1alpha1.PosNetwork) bool {
		return n.Status.ObservedGeneration == n.Generation && n.Status.Phase == v1alpha1.PhaseRunning && is(n, v1alpha1.ConditionProgressing, "False AsSpecified")
	})
}

// is tells whether a condition reads like this: status and reason, and, after a
// colon, a part of the message.
func is(n *v1alpha1.PosNetwork, condition, like string) bool {
	c := meta.FindStatusCondition(n.Status.Conditions, condition)
	like, message, _ := strings.Cut(like, ": ")
	return c != nil && like == string(c.Status)+" "+c.Reason && strings.Contains(c.Message, message)
}

func show(n *v1alpha1.PosNetwork) string {
	s := n.Status
	text := fmt.Sprintf("%s, generation %d of %d, height %d, %d of %d online (%s)", s.Phase, s.ObservedGeneration, n.Generation, s.Height, s.OnlineStake, s.TotalStake, s.ValidatorsOnline)
	for _, c := range s.Conditions {
		text += fmt.Sprintf("\n  %s %s %s: %s", c.Type, c.Status, c.Reason, c.Message)
	}
	for _, v := range s.Validators {
		text += fmt.Sprintf("\n  %+v", v)
	}
	return text
}

// pods returns the uid and image of each pod, by validator.
func (r *rig) pods(network string) map[string]*corev1.Pod {
	r.t.Helper()
	var list corev1.PodList
	if err := r.client.List(context.Background(), &list, client.InNamespace(r.namespace), client.MatchingLabels{kube.LabelNetwork: network}); err != nil {
		r.t.Fatal(err)
	}
	out := map[string]*corev1.Pod{}
	for i := range list.Items {
		out[list.Items[i].Labels[kube.LabelValidator]] = &list.Items[i]
	}
	return out
}

// set returns a validator's StatefulSet; nil where there is none.
func (r *rig) set(network, validator string) *appsv1.StatefulSet {
	r.t.Helper()
	s := &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Namespace: r.namespace, Name: kube.StatefulSetName(network, validator)}}
	if !r.exists(s) {
		return nil
	}
	return s
}

// exists reads an object, and tells whether it is there.
func (r *rig) exists(o client.Object) bool {
	r.t.Helper()
	err := r.client.Get(context.Background(), client.ObjectKeyFromObject(o), o)
	if client.IgnoreNotFound(err) != nil {
		r.t.Fatal(err)
	}
	return err == nil
}

// events returns the Events of a network, each as "Warning Reason: note".
func (r *rig) events(network string) []string {
	r.t.Helper()
	var list eventsv1.EventList
	if err := r.client.List(context.Background(), &list, client.InNamespace(r.namespace)); err != nil {
		r.t.Fatal(err)
	}
	var out []string
	for _, e := range list.Items {
		if e.Regarding.Kind == v1alpha1.Kind && e.Regarding.Name == network {
			out = append(out, fmt.Sprintf("%s %s: %s", e.Type, e.Reason, e.Note))
		}
	}
	slices.Sort(out)
	return out
}

// awaitEvent waits for an Event that begins so.
func (r *rig) awaitEvent(network, begin string) {
	r.t.Helper()
	await.True(r.t, "an Event "+begin, func() error {
		all := r.events(network)
		for _, e := range all {
			if strings.HasPrefix(e, begin) {
				return nil
			}
		}
		return fmt.Errorf("there are %s", strings.Join(all, "\n  "))
	})
}
