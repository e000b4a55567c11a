// Package postgres runs a Postgres server as a child process, so that one command gives a working Rapport.
//
// It uses the machine's own Postgres binaries, or fetches some when there are none, and keeps the data in one folder.
// The server listens on 127.0.0.1 only, with a random password kept beside the data. It never outlives its parent:
// on Linux the kernel stops it when the parent is killed; elsewhere the next [Start] stops what was left behind.
//
// It is not a Postgres client, and production clusters do not need it: they bring their own server.
package postgres
