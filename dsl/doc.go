// Package dsl is the definition language: YAML text becomes checked documents, documents become a flat program, a template
// or the workspace, and a program decides what a run does next.
//
// It is pure: no I/O, no clock. Everything that depends on time or on facts gets them passed.
//
// Reading order: document.go (files in, a set out), source.go and yaml.go (YAML with positions, the closed schema),
// sequence.go, step.go and message.go (the kinds), compile.go (steps to instructions), condition.go and celtypes.go (CEL),
// template.go (Liquid and Markdown), duration.go and calendar.go (time), problems.go (every code).
//
// What the language has and this version does not is one table, notYet, in later.go.
package dsl
