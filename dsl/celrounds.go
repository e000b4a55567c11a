package dsl

import (
	"github.com/google/cel-go/common/types"

	"github.com/rapport-crm/rapport/crm"
)

// roundsField is a round of an interview. One that has not come is not there.
func roundsField(id string) field {
	return field{types.NewObjectType(typeRound), func(obj any) (any, bool) {
		env, ok := obj.(*roundsView)
		if !ok {
			return nil, false
		}
		round := env.Rounds[id]
		return round, round != nil
	}}
}

func roundFields() map[string]field {
	of := func(typ *types.Type, get func(r *crm.Round) (any, bool)) field {
		return field{typ, func(obj any) (any, bool) {
			if r, ok := obj.(*crm.Round); ok && r != nil {
				return get(r)
			}
			return nil, false
		}}
	}
	return map[string]field{
		"outcome":    of(types.StringType, func(r *crm.Round) (any, bool) { return knownText(r.Outcome) }),
		"starts_at":  of(types.TimestampType, func(r *crm.Round) (any, bool) { return knownTime(r.StartsAt) }),
		"scorecards": of(types.NewListType(types.NewObjectType(typeScorecard)), scorecardsOf),
	}
}

// scorecardsOf are the scorecards of a round, when all are in.
func scorecardsOf(r *crm.Round) (any, bool) {
	cards, complete := r.Scored()
	list := make([]*crm.Scorecard, len(cards))
	for i := range cards {
		list[i] = &cards[i]
	}
	return list, complete
}

func scorecardFields() map[string]field {
	of := func(typ *types.Type, get func(s *crm.Scorecard) (any, bool)) field {
		return field{typ, func(obj any) (any, bool) {
			if s, ok := obj.(*crm.Scorecard); ok && s != nil {
				return get(s)
			}
			return nil, false
		}}
	}
	return map[string]field{
		"interviewer": of(types.StringType, func(s *crm.Scorecard) (any, bool) { return knownText(s.Interviewer) }),
		"rating":      of(types.IntType, func(s *crm.Scorecard) (any, bool) { return int64(s.Rating), s.Rating != 0 }),
		"recommend":   of(types.StringType, func(s *crm.Scorecard) (any, bool) { return knownText(s.Recommend) }),
	}
}
