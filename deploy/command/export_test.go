package command

import (
	"io"

	"github.com/rapport-crm/rapport/api"
)

// PlanText is a plan as it is told without colours.
func PlanText(plan *api.DefinitionPlan) string { return planText(style{}, plan) }

// Agreed asks for a yes.
func Agreed(in io.Reader, out io.Writer) error { return agreed(in, out) }
