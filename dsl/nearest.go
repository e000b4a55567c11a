package dsl

import (
	"fmt"
	"slices"
	"strings"
)

// suggest says which known word was probably meant, or lists the words when they are few.
func suggest(word string, known []string) string {
	if near := nearest(word, known); near != "" {
		return fmt.Sprintf("Did you mean %q?", near)
	}
	if len(known) == 0 || len(known) > 14 {
		return ""
	}
	sorted := slices.Sorted(slices.Values(known))
	return "Known: " + strings.Join(sorted, ", ") + "."
}

// Nearest returns the known word that was probably meant, or "" when none is near enough to be a typing error.
func Nearest(word string, known []string) string { return nearest(word, known) }

// nearest returns the known word with the smallest edit distance, when it is near enough to be a typing error.
func nearest(word string, known []string) string {
	best, at := "", min(1+len(word)/4, 4)+1
	for _, k := range slices.Sorted(slices.Values(known)) {
		if d := distance(word, k, at); d < at {
			best, at = k, d
		}
	}
	return best
}

// distance is the edit distance of two words with neighbours swapped counting as one (optimal string alignment), or limit
// when it is not below.
func distance(a, b string, limit int) int {
	x, y := []rune(a), []rune(b)
	if len(x)-len(y) >= limit || len(y)-len(x) >= limit || len(x) > 100 {
		return limit
	}
	before, last := make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(x); i++ {
		row := make([]int, len(y)+1)
		row[0] = i
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(y)]
}
