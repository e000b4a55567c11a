// Package activities holds what Rapport does on behalf of its workflows, one side effect per method. Decide is the heart:
// one transaction in which the facts of a run are read under its candidate's lock, the pure rules of package dsl decide, and
// everything that follows is committed. The provider clients live in packages of their own below this one.
//
// It speaks to the database through small interfaces (decide.go, library.go) that package store implements; the in-memory
// store of tests and simulations implements the same.
package activities
