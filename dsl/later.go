package dsl

// notYet lists what the language has and this version does not, by the place where it stands. Such a key or kind is refused
// with its own code, so that nobody takes it for a typing error. To add a construct, take it out here.
func notYet(place string) []string {
	switch place {
	case placeDocument:
		return []string{kindInterview, kindRetention}
	case placeStep:
		return []string{"interview", "ats"}
	case placeVariable:
		return []string{"interview", "retention"}
	}
	return nil
}
