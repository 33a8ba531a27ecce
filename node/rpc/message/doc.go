// Package message holds what the client API says, as Go structs: the server
// writes them, clients read them, and docs/api.md shows them. They are plain
// data; keys, hashes and accounts are hexadecimal text in JSON.
package message
