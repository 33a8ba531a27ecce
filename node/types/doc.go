// Package types is the vocabulary that all parts of a node share: accounts,
// records, blocks, votes and certificates, with one canonical encoding, one
// way to sign and one rule to verify. docs/protocol.md describes the encoding
// for clients in other languages.
//
// Trust is marked by type: a Record or Vote may come from anywhere; a
// VerifiedRecord or Verified[Vote] was made by the verifier of this package
// (or vouched for, where the text says why).
package types
