// Package rollout decides what of a running network may be taken down, and when:
// which pods may be evicted, whose turn it is in a rollout, and which changes of
// stake may be sent. No voluntary change takes the stake online to 2/3 of the
// total or below where it was above, save where a validator holds a third or
// more and the manifest allows a pause for it. It is pure: stakes and who is up
// are given to it.
package rollout
