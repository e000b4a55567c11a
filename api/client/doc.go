// Package client speaks to Rapport's HTTP API: typed calls, and the two long ones of the command line, importing candidates
// from a table and sending a file of events. A call that cannot harm when it is repeated is repeated while the server is
// away or overloaded. Errors say in one sentence what is wrong, and what to do next.
package client
