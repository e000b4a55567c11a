// Package address knows which addresses on the network are public, for clients that are told by somebody else where to
// connect. It looks at addresses, not at names: a client asks when it connects, about the address it connects to.
package address
