// Package api is what Rapport shows to the outside over HTTP: the REST API for systems of record and engineers, the
// providers' webhooks, the unsubscribe page, health and metrics. It verifies, validates and stores; it decides nothing
// and never talks to Temporal, so that events are taken in while Temporal is down.
//
// Everything that is answered with 2xx is committed. Whatever is wrong is answered as application/problem+json (RFC 9457)
// with a stable code, one sentence and what to do next.
//
// Read it in this order: api.go (what there is), problem.go and auth.go (how it answers), events.go and eventparse.go
// (the intake), webhooks.go (the providers' intake), then one file for each kind of resource.
package api
