package api

// didYouMean names the known word that was probably meant, in a sentence with a space in front, or is empty.
func didYouMean(word string, known []string) string {
	best, distance := "", len(word)/3+1
	for _, k := range known {
		if d := editDistance(word, k); d <= distance && d < len(k) {
			best, distance = k, d-1
		}
	}
	if best == "" {
		return ""
	}
	return " Did you mean " + best + "?"
}

// editDistance is the Levenshtein distance in bytes. Words that are far too long are far apart.
func editDistance(a, b string) int {
	if len(a) > 100 || len(b) > 100 {
		return len(a) + len(b)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			above := row[j+1]
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			row[j+1] = min(cost, above+1, row[j]+1)
			diagonal = above
		}
	}
	return row[len(b)]
}
