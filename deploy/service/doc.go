// Package service puts Rapport's parts together: the API and the worker, with their providers, out of one Config. `rapport
// serve`, `rapport work` and `rapport up` run the same parts; only where Postgres, Temporal and the providers come from
// differs.
package service
