package apply

import (
	"context"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/posnet/posnet/api/v1alpha1"
)

// AnnotationTemplate is on a StatefulSet: the Hash of the pods' template that was
// applied, since a field taken out of it shows in nothing else.
const AnnotationTemplate = "posnet.dev/template"

// MarkTemplate notes on a StatefulSet that is wanted which template it has.
func MarkTemplate(want *appsv1.StatefulSet) error {
	hash, err := Hash(want.Spec.Template)
	if err != nil {
		return err
	}
	want.Annotations = over(want.Annotations, map[string]string{AnnotationTemplate: hash})
	return nil
}

// HasTemplate reports whether a StatefulSet of n has the template of a marked one
// that is wanted.
func (a *Applier) HasTemplate(n *v1alpha1.PosNetwork, want, live *appsv1.StatefulSet) (bool, error) {
	hash := want.Annotations[AnnotationTemplate]
	if hash != live.Annotations[AnnotationTemplate] {
		return false, nil
	}
	if a.isKnown(n, live, func(v version) bool { return v.template == hash }) {
		return true, nil
	}
	sent, err := fields(&appsv1.StatefulSet{Spec: appsv1.StatefulSetSpec{Template: want.Spec.Template}})
	if err != nil {
		return false, err
	}
	has, err := isAs(&appsv1.StatefulSet{Spec: appsv1.StatefulSetSpec{Template: live.Spec.Template}}, sent)
	if has {
		a.remember(n, live, func(v *version) { v.template = hash })
	}
	return has, err
}

// ApplyHeld makes all of a StatefulSet of n what it should be, but its pods'
// template, which stays as it is in live until its turn comes.
func (a *Applier) ApplyHeld(ctx context.Context, n *v1alpha1.PosNetwork, want, live *appsv1.StatefulSet) error {
	kind, _, err := a.find(ctx, n, want, live)
	if err != nil {
		return err
	}
	want = want.DeepCopy()
	want.Spec.Template = *live.Spec.Template.DeepCopy()
	want.Annotations = over(want.Annotations, map[string]string{
		AnnotationTemplate: live.Annotations[AnnotationTemplate], AnnotationApplied: live.Annotations[AnnotationApplied],
	})
	sent, err := fields(want)
	if err != nil {
		return err
	}
	if same, err := isAs(live, sent); err != nil || same {
		return err
	}
	return a.send(ctx, kind, sent, false)
}
