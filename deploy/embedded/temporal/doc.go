// Package temporal runs a whole Temporal service inside this process, with its data in a Postgres: frontend, history,
// matching and worker services of the official server library, its schema, one namespace with Rapport's search
// attributes, and the Temporal UI.
//
// It is one machine's Temporal, for `rapport up` and for tests. A cluster or Temporal Cloud takes its place by setting
// an address. All that the server binds is on 127.0.0.1 unless told otherwise, and it has no sign-in of its own.
package temporal
