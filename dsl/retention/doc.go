// Package retention says how long the data of a candidate are kept, by which policy, and why.
//
// It is pure: no I/O, no clock. What is known of the candidate is passed, as a crm.RetentionCase, and so is the moment. The same
// case and moment give the same verdict, in whatever order the policies are listed.
//
// Reading order:
//
//	rules.go    the policies in force, made ready
//	judge.go    one candidate held against all of them
//	date.go     what one policy says, and which notice counts
//	run.go      when a policy runs
//	verdict.go  the answer; explain.go says it in sentences
//
// Three things decide, each stronger than the next. A legal hold stops everything. The latest `at_least` of the policies that apply
// is the earliest moment at which anything may go. The earliest `for` is when it has to go: its policy, and no other, takes the data.
// A minimum that ends after the maximum is a conflict of two laws: the minimum wins, since what is gone cannot be brought back, and
// the verdict says so.
//
// Data are kept until a moment and taken by the policy's first daily run after it. A notice goes out with the last run from which
// `before` has passed by that moment, which leaves a whole day between the two for sending it, and names the run that takes the data.
// It counts for the date that it was about: when the date moves, by new activity, a yes or a minimum, there has to be a new one.
package retention
