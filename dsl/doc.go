// Package dsl is the definition language: YAML text becomes checked documents, documents become a flat program, a template
// or the workspace, and a program decides what a run does next.
//
// It is pure: no I/O, no clock. Everything that depends on time or on facts gets them passed.
//
// Reading order:
//
//	document.go, loader.go                    files in, a set out: Check, Load, Compile
//	source.go, yaml.go, yamltrap.go           YAML with places, the closed schema, the YAML traps
//	workspacedoc.go, message.go, sequence.go  the kinds of documents
//	interviewdoc.go, interviewmail.go         an interview: its rounds, and what is said around them
//	retentiondoc.go                           a retention policy
//	grammar.go, grammar*.go, schema.go        the keys of every mapping, and the JSON Schema made of them
//	step.go, effects.go                       steps as they are written
//	program.go, compile.go                    steps as instructions
//	celtypes.go, celfields.go, celenv.go      what expressions can see and do
//	expression.go, condition.go, absence.go   checking one, evaluating one, whether it always has a value
//	liquid.go, liquidscan.go, variables.go    texts and their variables
//	template.go, markdown.go, layout.go       messages as they are sent
//	duration.go, calendar.go, zone.go         time
//	next.go, permit.go, dispatch.go           what a run does next, whether a message may go, what an event leads to
//	format.go, formatprint.go, formattext.go  the layout: Format; formatquote.go repairs conditions
//	check*.go, constant.go, cost.go           what is checked once everything is read: the ways of runs, circles, unused things
//	smslength.go, mjml.go, mjmlscan.go        how long a text message is, bodies in MJML
//	diff.go, outline.go, difftext.go          what has changed between two versions
//	migrate.go, audience.go                   where a run lands in another version, whom a new one reaches
//	problems.go                               every problem code; docs/problems.md explains them
//
// A program as a flowchart is package graph, below this one; how long policies keep somebody's data is package retention.
//
// What the language has and this version does not is in later.go.
package dsl
