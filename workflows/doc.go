// Package workflows holds Rapport's Temporal workflows. A workflow is a clock with a memory for one number: it asks what
// comes next (Decide, one transaction in Postgres), waits for the time or the wake-up it was told, and asks again. It
// knows no definition, no candidate and no rule, so that its history holds ids, decisions and times only, replay needs no
// definition, and a new kind of step changes nothing here.
//
// The package links neither activities nor any I/O: workflows name activities by typed handles (activity.go), and package
// worker binds the handles to functions.
package workflows
