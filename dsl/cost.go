package dsl

import (
	"fmt"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/checker"
)

// Sizes that an expression is judged by before it has seen any candidate: longer lists are rare, and the limit at run time
// catches them.
const (
	usualEntries = 20  // of a list or a map
	usualChars   = 100 // of a text
)

// cost refuses an expression that would go over the limit with lists and texts of usual sizes: loops in loops in loops.
func (x *expression) cost(env *cel.Env, checked *cel.Ast) {
	if x.r.voc == nil {
		return
	}
	estimate, err := env.EstimateCost(checked, usualSizes{})
	if err != nil || estimate.Max <= maxCost {
		return
	}
	x.add(0, codeExprCost, fmt.Sprintf("This expression takes too long: loops inside loops, over lists of %d entries, are given up.", usualEntries),
		"Look through one list at a time, or split it over several steps.")
}

// usualSizes implements cel's CostEstimator.
type usualSizes struct{}

// EstimateSize says how large values are that an expression does not hold itself.
func (usualSizes) EstimateSize(e checker.AstNode) *checker.SizeEstimate {
	size := uint64(usualEntries)
	if e.Type().IsExactType(cel.StringType) || e.Type().IsExactType(cel.BytesType) {
		size = usualChars
	}
	return &checker.SizeEstimate{Max: size}
}

// EstimateCallCost leaves the cost of functions to cel: ours cost as much as any.
func (usualSizes) EstimateCallCost(string, string, *checker.AstNode, []checker.AstNode) *checker.CallEstimate {
	return nil
}
