// Package client talks to a node's API over its websocket. One Client is one
// connection, safe for concurrent use: requests are sent without waiting for
// each other's answers. When the connection is lost every call fails, and the
// client stays dead: whether, when and where to connect again is for the caller
// to decide, who alone knows what may be asked twice.
//
// Nodes are not all at the same block at the same moment. Clients that share a
// Horizon see, at whichever node, all that any of them has seen.
package client
