package command

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/dsl/retention"
)

// Root is the whole command.
func Root() *cobra.Command { return root(io.Discard, io.Discard) }

// PlanText is a plan as it is told without colours.
func PlanText(plan *api.DefinitionPlan) string { return planText(style{}, plan) }

// RetentionPicture draws the policies that apply.
func RetentionPicture(v *retention.Verdict) string { return retentionPicture(v) }

// Agreed asks for a yes.
func Agreed(in io.Reader, out io.Writer) error { return agreed(in, out) }

// ReadSecret reads a secret that is piped in.
func ReadSecret(in io.Reader) (string, error) {
	cmd := &cobra.Command{}
	cmd.SetIn(in)
	return readSecret(cmd)
}

// Sentence is an entry of a timeline as it is told.
func Sentence(e *api.TimelineEntry) string { return sentence(e) }

// ReadSuppressions reads a file of suppressions.
func ReadSuppressions(in io.Reader) ([]api.SuppressionInput, error) { return readSuppressions(in) }

// PrintReport draws a report on interviews.
func PrintReport(out io.Writer, r *api.InterviewReport) error { return printReport(out, r) }

// ReportCSV writes a report on interviews for a spreadsheet.
func ReportCSV(out io.Writer, r *api.InterviewReport, rounds bool) error {
	return reportCSV(out, r, rounds)
}
