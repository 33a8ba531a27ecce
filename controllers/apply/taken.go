package apply

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/posnet/posnet/api/v1alpha1"
	"github.com/posnet/posnet/controllers/plan/kube"
)

// TakenError says that an object has the name that one of the network's wants
// and is somebody else's. It was not touched.
type TakenError struct {
	Kind, Namespace, Name string
	Whose                 string // in words
}

// Error implements error.
func (e *TakenError) Error() string {
	return fmt.Sprintf("%s %s exists and is %s: it is left as it is; delete or rename it, or give the network another name or namespace", e.Kind, e.Name, e.Whose)
}

// LeavingError says that an object is still there of a network of the same name
// that was deleted, and goes by itself.
type LeavingError struct{ Kind, Namespace, Name string }

// Error implements error.
func (e *LeavingError) Error() string {
	return fmt.Sprintf("%s %s is of an earlier network of this name and is being deleted: it is waited for", e.Kind, e.Name)
}

// claim says whether a live object is n's: nil, a TakenError or a LeavingError.
// What carries n's labels and no owner is n's: it was kept when an earlier
// network of the name was deleted. So is what n owns and somebody took the
// labels off.
func claim(n *v1alpha1.PosNetwork, kind string, live client.Object) error {
	owner := metav1.GetControllerOf(live)
	labels := live.GetLabels()
	labelled := labels[kube.LabelManagedBy] == kube.ManagedBy && labels[kube.LabelNetwork] == n.Name
	switch {
	case owner != nil && owner.UID == n.UID:
		return nil
	case owner != nil && owner.Kind == v1alpha1.Kind && owner.Name == n.Name && labelled:
		return &LeavingError{kind, live.GetNamespace(), live.GetName()}
	case owner != nil:
		return taken(kind, live, fmt.Sprintf("owned by %s %s", owner.Kind, owner.Name))
	case labels[kube.LabelNetwork] != "" && labels[kube.LabelNetwork] != n.Name:
		return taken(kind, live, "of network "+labels[kube.LabelNetwork])
	case !labelled:
		return taken(kind, live, "not of this network")
	case !live.GetDeletionTimestamp().IsZero():
		return &LeavingError{kind, live.GetNamespace(), live.GetName()}
	}
	return nil
}

func taken(kind string, live client.Object, whose string) error {
	return &TakenError{kind, live.GetNamespace(), live.GetName(), whose}
}
