// Package embedded runs all of Rapport in one process: Postgres (package postgres), the Temporal server and its UI (package
// temporal), the provider sandbox (package sandbox), the API and a worker. It is what `rapport up` does, on a laptop and as
// a small team's production.
//
// Everything lives in one data folder and survives restarts, also after kill -9.
package embedded
