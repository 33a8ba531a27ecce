package main

import (
	"crypto/ed25519"
	"encoding/binary"
	"fmt"
)

// A transfer is 144 bytes: who pays and who gets (ed25519 public keys), the
// amount and the payer's running number (big endian), and the payer's signature
// over all before it.
const (
	receiverAt   = ed25519.PublicKeySize
	amountAt     = receiverAt + ed25519.PublicKeySize
	numberAt     = amountAt + 8
	signatureAt  = numberAt + 8
	transferSize = signatureAt + ed25519.SignatureSize
)

type key [ed25519.PublicKeySize]byte

// transfer is one whose signature was checked.
type transfer struct {
	from, to key
	amount   uint64
}

// readTransfer returns what bytes say that a node has verified already.
func readTransfer(b []byte) transfer {
	return transfer{key(b[:receiverAt]), key(b[receiverAt:amountAt]), binary.BigEndian.Uint64(b[amountAt:numberAt])}
}

// checkTransfer returns what is wrong with the bytes of a transfer.
func checkTransfer(b []byte) error {
	if len(b) != transferSize {
		return fmt.Errorf("a transfer has %d bytes, and not %d", transferSize, len(b))
	}
	if !ed25519.Verify(ed25519.PublicKey(b[:receiverAt]), b[:signatureAt], b[signatureAt:]) {
		return fmt.Errorf("the signature is not the payer's")
	}
	return nil
}
