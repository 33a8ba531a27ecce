// Package rpc serves the client API of a node: operations as JSON over a
// websocket, and a few pages over HTTP on the same port. It knows nothing of
// consensus; what it asks of the node is Backend.
package rpc
