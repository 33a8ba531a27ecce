package sim

// Twin is one of two nodes that run with the same key, each honest and knowing
// nothing of the other (Bano et al.: Twins: BFT systems made robust,
// arXiv:2004.10617): the most natural way to contradict oneself.
type Twin struct{ honest }

func (Twin) String() string { return "twin" }

// Hear implements Adversary: it does not know its other's voice.
func (Twin) Hear(n *node, _ int, m any) bool { return signerOf(m) == n.key }
